"""Figures are kept as they are measured, found again for the same model, and told in the card."""

import json

import pytest

from augment.errors import UsageError
from augment.pocket.figures import Figure, Record, table, write_section

PSNR = Figure('round trip', 31.26, 'dB', 12, aim=30.0, spread=1.44)
SHARE = Figure('words', 0.75, '%', 140, aim=0.8)
PLAIN = Figure('chance', 1 / 7, '%', 140)


def test_rows_say_what_is_missed():
    assert PSNR.row == '| round trip | 31.3 ± 1.4 dB | 30 dB | reached | 12 |'
    assert SHARE.row == '| words | 75.0 % | 80 % | **missed** | 140 |'
    assert PLAIN.row == '| chance | 14.3 % | | | 140 |'
    assert (PSNR.reached, SHARE.reached, PLAIN.reached) == (True, False, None)
    assert Figure('exactly', 0.8, '%', 1, aim=0.8).reached
    assert table([PSNR, SHARE, PLAIN]).endswith('\n\nShort of its aim: words.')
    assert table([PSNR, PLAIN]).endswith('\n\nEvery aim is reached.')


def test_a_measurement_is_found_again_with_the_same_amounts_only(tmp_path):
    path, record = tmp_path / 'quality.json', Record('model', 'data')
    record.keep('a', {'n': 2}, [PSNR, PLAIN], path)
    record.keep('b', {}, [SHARE], path)
    again = Record.of(path, 'model', 'data')
    assert again.figures() == [PSNR, PLAIN, SHARE]
    assert again.has('a', {'n': 2})
    assert not again.has('a', {'n': 3})
    assert not again.has('c', {})
    again.keep('a', {'n': 3}, [SHARE], path)
    assert Record.of(path, 'model', 'data').figures() == [SHARE, SHARE]


def test_figures_of_another_model_or_other_windows_are_left_behind(tmp_path):
    path = tmp_path / 'quality.json'
    assert Record.of(path, 'model', 'data').measured == {}
    Record('model', 'data').keep('a', {}, [PSNR], path)
    assert Record.of(path, 'other', 'data').measured == {}
    assert Record.of(path, 'model', 'other').measured == {}


@pytest.mark.parametrize('text', ['{', '{}', '[]', json.dumps({'model': 'm', 'data': 'd', 'more': 1})])
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / 'quality.json').write_text(text)
    with pytest.raises(UsageError, match=r'quality\.json: no figures that can be read'):
        Record.of(tmp_path / 'quality.json', 'm', 'd')


def test_the_section_is_replaced_and_all_else_stays(tmp_path):
    card = tmp_path / 'README.md'
    card.write_text('# A\n\ntext\n\n## Measured\n\nnot yet\n\n## What it cannot\n\nfly\n')
    for text in ('first', 'second\n'):
        write_section(tmp_path, text)
        expected = f'# A\n\ntext\n\n## Measured\n\n{text.strip()}\n\n## What it cannot\n\nfly\n'
        assert card.read_text() == expected


def test_the_section_comes_last_in_a_card_that_has_none(tmp_path):
    (tmp_path / 'README.md').write_text('# A\n\ntext')
    for text in ('first', 'second'):
        write_section(tmp_path, text)
        assert (tmp_path / 'README.md').read_text() == f'# A\n\ntext\n\n## Measured\n\n{text}\n'


def test_a_folder_without_a_card_receives_one(tmp_path):
    write_section(tmp_path / '.', 'figures')
    assert (tmp_path / 'README.md').read_text() == f'# {tmp_path.name}\n\n## Measured\n\nfigures\n'
