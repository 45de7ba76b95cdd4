"""tools/score_maps.py as its user meets it: other people's maps in their formats, and what is refused."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tool_runner import run_tool

from mmseg_ext.evaluation.map_counter import MapCounter

SIZE = (24, 32)


def line_and_map(index: int) -> tuple[np.ndarray, np.ndarray]:
    """A vertical line, and 8-bit levels that are high one column beside it."""
    mask, levels = np.zeros(SIZE, np.uint8), np.full(SIZE, 20, np.uint8)
    mask[:, 8 + index], levels[:, 9 + index], levels[index, 20:25] = 1, 200, 120
    return mask, levels


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    maps, masks = tmp_path / 'maps', tmp_path / 'masks'
    maps.mkdir(), masks.mkdir()
    for index in range(3):
        mask, levels = line_and_map(index)
        Image.fromarray(levels).save(maps / f'{index}.png')
        Image.fromarray(255 * mask).save(masks / f'{index}.bmp')
    return maps, masks


def table(text: str) -> dict[str, list[str]]:
    rows = [line.split() for line in text.splitlines() if 'px' in line or '0.0075d' in line]
    return {row[0]: row[1:] for row in rows}


def expected(protocol: str, tolerance: float | None = None, **options) -> list[str]:
    counter = MapCounter(protocol, tolerance, **options)
    pairs = (line_and_map(index) for index in range(3))
    scores, _ = counter.scores(np.stack([counter.count(levels, mask == 1) for mask, levels in pairs]))
    return ['–' if np.isnan(value) else f'{value:.4f}' for value in scores.values()]


def test_all_protocols(folders, capsys):
    assert run_tool('score_maps', *folders) == 0
    shown = table(capsys.readouterr().out)
    assert list(shown) == ['bsds-0.0075d', 'deepcrack_tip-2px', 'crackformer-0px', 'macro-0px']
    assert shown == {tag: expected(tag.rpartition('-')[0]) for tag in shown}
    assert shown['deepcrack_tip-2px'][:3] == ['1.0000', '1.0000', '1.0000']
    assert shown['macro-0px'][0] != shown['deepcrack_tip-2px'][0]


def test_one_protocol_and_its_curve(folders, tmp_path, capsys):
    out = tmp_path / 'new/curve.csv'
    assert run_tool('score_maps', *folders, '--protocol', 'macro', '--tolerance', 1, '--out', out) == 0
    assert table(capsys.readouterr().out) == {'macro-1px': expected('macro', 1)}
    rows = list(csv.DictReader(out.open(encoding='utf-8')))
    assert len(rows) == 101
    assert rows[29] == dict(protocol='macro-1px', threshold='0.29', precision='0.827586', recall='1', f1='0.90566')
    assert rows[100]['precision'] == ''


def test_thin_and_one_to_one(folders, capsys):
    options = '--protocol', 'deepcrack_tip', '--thin', '--one-to-one'
    assert run_tool('score_maps', *folders, *options) == 0
    tag = 'deepcrack_tip-2px-thin-1to1'
    assert table(capsys.readouterr().out) == {tag: expected('deepcrack_tip', thin=True, one_to_one=True)}


@pytest.mark.parametrize(
    'kind', ['16 bits', 'npy', 'npy (1, H, W)', 'grey as RGB', 'masks 0/1', 'masks of a palette']
)
def test_other_formats_say_the_same(folders, capsys, kind):
    maps, masks = folders
    for index in range(3):
        mask, levels = line_and_map(index)
        if kind == '16 bits':
            Image.fromarray(levels.astype(np.uint16) * 257).save(maps / f'{index}.png')
        elif kind.startswith('npy'):
            (maps / f'{index}.png').unlink()
            values = (levels / 255).astype(np.float64)
            np.save(maps / f'{index}.npy', values[None] if '(' in kind else values)
        elif kind == 'grey as RGB':
            Image.fromarray(np.stack([levels] * 3, axis=2)).save(maps / f'{index}.png')
        else:
            (masks / f'{index}.bmp').unlink()
            picture = Image.fromarray(mask)
            if kind == 'masks of a palette':
                picture.putpalette([0, 0, 0, 255, 0, 0])
            picture.save(masks / f'{index}.png')
    assert run_tool('score_maps', *folders) == 0
    shown = table(capsys.readouterr().out)
    assert shown == {tag: expected(tag.rpartition('-')[0]) for tag in shown}
    assert len(shown) == 4


def test_255_is_not_scored_where_1_is_the_defect(folders, tmp_path):
    maps, masks = folders
    for index in range(3):
        mask, _ = line_and_map(index)
        mask[:, 18:28] = 255  # over the false positives
        Image.fromarray(mask).save(masks / f'{index}.bmp')
    out = tmp_path / 'curve.csv'
    assert run_tool('score_maps', maps, masks, '--protocol', 'macro', '--tolerance', 1, '--out', out) == 0
    assert list(csv.DictReader(out.open(encoding='utf-8')))[29]['precision'] == '1'


def test_no_defect_in_any_mask(folders, capsys):
    maps, masks = folders
    for path in masks.iterdir():
        Image.new('L', SIZE[::-1]).save(path)
    assert run_tool('score_maps', maps, masks, '--protocol', 'bsds') == 0
    assert table(capsys.readouterr().out) == {'bsds-0.0075d': ['–'] * 6}


def spoil(maps: Path, masks: Path, kind: str) -> None:
    wide = np.zeros((24, 33), np.uint8)
    if kind == 'size':
        Image.fromarray(wide).save(maps / '1.png')
    elif kind == 'grey mask':
        Image.fromarray(np.full(SIZE, 128, np.uint8)).save(masks / '1.bmp')
    elif kind == 'colours':
        Image.fromarray(np.eye(24, 32, dtype=np.uint8)[..., None] * np.array([9, 0, 1], np.uint8)).save(
            maps / '1.png'
        )
    elif kind == 'palette':
        Image.fromarray(wide[:, 1:]).convert('P').save(maps / '1.png')
    elif kind == 'damaged':
        (maps / '1.png').write_bytes(b'\x89PNG')
    elif kind == 'damaged mask':
        (masks / '1.bmp').write_bytes(b'BM')
    elif kind == 'orphan':
        (masks / '1.bmp').unlink()
    elif kind == 'masks as maps':
        for path in maps.iterdir():
            Image.fromarray(line_and_map(0)[0]).save(path)


@pytest.mark.parametrize(
    ('kind', 'message'),
    [
        ('size', 'maps/1.png: the map is (24, 33) but the mask is (24, 32)'),
        ('grey mask', 'masks/1.bmp: value 128; a mask holds two values, 0/1 or 0/255; tools/prepare_dataset.py'),
        ('colours', 'maps/1.png: a picture in colours (mode RGB)'),
        ('palette', 'maps/1.png: a picture in colours (mode P)'),
        ('damaged', 'maps/1.png: cannot be read'),
        ('damaged mask', 'masks/1.bmp: cannot be read'),
        ('orphan', 'maps/1.png: image without mask'),
        ('masks as maps', 'no map has a level above 1; store probabilities as 0..255'),
    ],
)
def test_what_cannot_be_used(folders, capsys, kind, message):
    spoil(*folders, kind)
    assert run_tool('score_maps', *folders, '--protocol', 'macro') == 3
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count('\n') == 1


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (np.full(SIZE, 1.5), 'these are 1.5 to 1.5'),
        (np.full(SIZE, np.nan), 'or NaN?'),
        (np.zeros((2, *SIZE)), 'an array of (2, 24, 32) float64'),
        (np.array([{'a': 1}]), 'cannot be read'),
    ],
)
def test_arrays_that_are_no_maps(folders, capsys, values, message):
    maps, masks = folders
    for path in maps.iterdir():
        path.unlink()
        np.save(path.with_suffix('.npy'), line_and_map(0)[1] / 255)
    np.save(maps / '1.npy', values)
    assert run_tool('score_maps', maps, masks, '--protocol', 'crackformer') == 3
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda maps, masks: (maps, masks, '--tolerance', '-1'),
            'error: --tolerance -1.0: tolerance is a distance',
        ),
        (lambda maps, masks: (maps / 'none', masks), 'none: no such folder'),
        (lambda maps, masks: (maps, maps), 'both the maps and the masks'),
        (lambda maps, masks: (maps, masks, '--protocol', 'voc'), 'invalid choice'),
        (lambda maps, masks: (maps, masks, '--out', maps / '1.png' / 'x.csv'), 'error: --out'),
    ],
)
def test_wrong_arguments(folders, capsys, change, message):
    assert run_tool('score_maps', *change(*folders)) == 2
    assert message in capsys.readouterr().err
