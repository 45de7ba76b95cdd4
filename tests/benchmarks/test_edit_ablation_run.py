"""A small ablation from windows on disk to rows, by the tiny model: what is measured where, and counted how."""

import json
from dataclasses import replace

import edit_ablation
import numpy as np
import pytest
import torch
from edit_ablation_measure import composited, kept_and_changed
from edit_ablation_settings import TABLES, Window, edits, name_of, preset, windows
from PIL import Image
from safetensors.torch import save_file

from augment.config.settings import WORDS, BlendSettings
from augment.editing.photo import EditedPhoto
from augment.errors import UsageError
from augment.pocket.word_classifier import WordClassifier

STEPS = 2
CAPTIONS = (('train', None), ('test', 'rust'), ('test', None), ('test', None), ('test', None))
BARE = 3  # the window that shows no defect


@pytest.fixture(scope='module')
def words_folder(tmp_path_factory):
    """Five windows with a dark stroke each: of split train, with a word, usable, without a defect, usable."""
    root, lines = tmp_path_factory.mktemp('words'), []
    for k, (split, word) in enumerate(CAPTIONS):
        image = np.random.default_rng(k).integers(100, 160, (128, 128, 3)).astype(np.uint8)
        label = np.zeros((128, 128), np.uint8)
        if k != BARE:
            image[60:64, 50:80], label[60:64, 50:80] = 20, 2
        files = {'file': f'image_{k}.png', 'label': f'label_{k}.png'}
        for array, name in zip((image, label), files.values(), strict=True):
            Image.fromarray(array).save(root / name)
        caption = 'photo of a crack' + (f' with {word}' if word else '')
        lines.append({**files, 'caption': caption, 'word': word, 'split': split})
    (root / 'captions.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return root


@pytest.fixture(scope='module')
def command(words_folder, tmp_path_factory):
    """Runs the benchmark with further words of the command line; its rows by setting."""
    folder = tmp_path_factory.mktemp('ablation')
    torch.manual_seed(0)
    save_file(WordClassifier().state_dict(), folder / 'classifier.safetensors')
    common = ['--model', 'tiny-random', '--data', words_folder, '--classifier', folder / 'classifier.safetensors']
    table = replace(edit_ablation.ROWS, path=folder / 'rows.csv')

    def run(*words):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(edit_ablation, 'ROWS', table)
            patch.setattr(edit_ablation, 'GATES', folder / 'gates.csv')
            patch.setattr('sys.argv', ['edit_ablation.py', *map(str, [*common, '--steps', STEPS, *words])])
            edit_ablation.main()
        return {row['setting']: row for row in table.rows()}

    return run


@pytest.fixture(scope='module')
def rows(command):
    """Methods of inversion and ways to blend, on one window."""
    return command('--images', 1, '--only', 'inversion', 'blend')


def test_windows_are_of_split_test_with_a_defect_and_without_a_word(words_folder):
    assert [(each.index, each.stem) for each in windows(words_folder, 2)] == [(0, 'image_2'), (1, 'image_4')]
    with pytest.raises(UsageError, match='2 test windows show a defect and no word, --images asks for 3'):
        windows(words_folder, 3)


def test_each_edit_comes_once_and_the_words_take_turns(words_folder):
    found = list(edits(windows(words_folder, 2), [*TABLES, 'words']))
    names = [(each.window.stem, each.name, each.word) for each in found]
    assert len({*names}) == len(names)
    assert {each.word for each in found if each.name == 'centre'} == {*WORDS[:2]}
    assert {each.word for each in found if each.name == name_of(preset('pocket'))} == {*WORDS}


def test_the_preset_is_a_row_of_another_table():
    assert name_of(preset('pocket')) == name_of(TABLES['npi-fixed-point']['2'])
    assert name_of(TABLES['guidance']['3']) == name_of(TABLES['rli']['0.1']) == 'centre'


def test_evaluations_by_hand(rows):
    # Two rows to invert. Held on its path, the source is read while its attention is used, at the first step:
    # 3 + 2 rows. Let go, it goes along with and without its prompt: 4 + 4.
    counts = {name: (int(row['forward']), int(row['backward'])) for name, row in rows.items() if row['forward']}
    assert counts['inversion.method=npi'] == counts['inversion.method=direct'] == (7, 0)
    assert counts['inversion.method=ddim'] == (10, 0)
    assert counts['centre'][0] > 7
    assert counts['centre'][1] > 0


def test_an_inversion_that_is_shared_is_counted_in_each_row(rows):
    assert rows['blend.by=none']['backward'] == rows['centre']['backward']
    assert rows['blend.by=none']['forward'] == rows['centre']['forward']
    assert rows['blend.by=none']['recon_psnr'] == rows['centre']['recon_psnr']


def test_reconstruction_is_that_of_the_inversion_let_go(rows):
    found = {name: float(row['recon_psnr']) for name, row in rows.items()}
    assert found['inversion.method=npi'] == found['inversion.method=prox-npi']
    assert found['inversion.method=direct'] == found['inversion.method=ddim']
    assert found['inversion.method=npi'] != found['inversion.method=ddim']
    # Held on its path it would be the autoencoder's, as the gate sees it.
    assert float(rows['inversion.method=npi']['gate_recon_psnr']) == pytest.approx(found['unedited'], abs=1e-3)
    assert found['inversion.method=npi'] != found['unedited']


def test_background_is_judged_as_drawn_and_the_gate_as_finished(rows):
    assert float(rows['centre']['background_psnr']) < 60
    assert (float(rows['centre']['gate_background_psnr']), float(rows['centre']['stray'])) == (200.0, 0.0)
    assert float(rows['blend.by=none']['stray']) > 0
    assert float(rows['blend.by=none']['gate_area']) == 1.0


def test_what_is_measured_is_not_measured_again(command, rows, capsys):
    assert command('--images', 1, '--only', 'inversion', 'blend') == rows
    assert '0 edits of 1 windows to measure' in capsys.readouterr().err


def test_print_and_gates(command, rows, capsys):
    command('--print')
    assert '| null-text | 1 |' in capsys.readouterr().out
    command('--gates')
    assert 'edits of all settings' in capsys.readouterr().out


def test_the_finished_edit_takes_no_pixel_from_beyond_its_region():
    image, label = np.full((64, 64, 3), 100, np.uint8), np.zeros((64, 64), np.uint8)
    label[32, 32] = 1
    window = Window(0, 'a', image, label, 'photo of a crack')
    white = np.full_like(image, 255)
    drawn = EditedPhoto('rust', '', white, np.ones((64, 64), bool), image, None, [], [], {}, False)
    edited = composited(window, drawn, BlendSettings(halo=4, feather=0, composite=False))
    assert edited.region.sum() == 49  # the disc of radius 4
    assert (edited.image == np.where(edited.region[..., None], 255, 100)).all()
    scores = kept_and_changed(window, drawn.image, edited.image, 4)
    assert scores['change'] == pytest.approx(155 / 255)
    assert scores['background_psnr'] == pytest.approx(20 * np.log10(255 / 155))
    assert scores['stray'] == 0.0
    assert kept_and_changed(window, drawn.image, drawn.image, 4)['stray'] == 1.0
