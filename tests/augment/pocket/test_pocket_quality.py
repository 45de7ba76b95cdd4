"""The whole measurement on a model of two steps, and the parts of it whose answers are known."""

import json
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from captioned_windows import make_windows
from rich.console import Console

from augment import measure_pocket
from augment.config.settings import EditSettings, RLISettings
from augment.errors import DataError, UsageError
from augment.job.device import find_place
from augment.pocket import measure, quality, quality_job
from augment.pocket.data import read_captions
from augment.pocket.figures import Figure, Record
from augment.pocket.quality import Amounts, Subject
from augment.pocket.word_classifier import CLASSES, train_word_classifier
from augment.quality.similarity import psnr
from augment.sdxl.conditioning import encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.latents import decode_latents, encode_images
from augment.sdxl.schedule import DDIMGrid

FEW = Amounts(windows=3, levels=2, samples=1, steps=2, inverted=2, inversion_steps=2)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Sixteen windows, seven of them of split test: one of each class."""
    root = make_windows(tmp_path_factory.mktemp('tested'), 16, size=64, held_out=7)
    path = root / 'captions.jsonl'
    path.write_text(path.read_text().replace('"split": "val"', '"split": "test"'))
    return root


@pytest.fixture(scope='module')
def classifier(data):
    return train_word_classifier(data, data / 'work', steps=1, console=Console(quiet=True))


@pytest.fixture(scope='module')
def subject(trained, data, classifier):
    return Subject.of(trained, data, read_captions(data), classifier)


@pytest.fixture
def job(tiny_job, trained, data, classifier, tmp_path, monkeypatch):
    """All of it on a copy of the model."""
    model = shutil.copytree(tiny_job.out, tmp_path / 'model')
    monkeypatch.setattr(quality_job, 'word_classifier', lambda root, path: classifier)
    return quality_job.Job(model, data, data / 'words.safetensors', FEW, find_place('cpu'))


def test_everything_is_measured_once_and_told(job, monkeypatch):
    figures = quality_job.run(job)
    assert len(figures) == 24
    assert all(np.isfinite(figure.value) for figure in figures)
    card = (job.model / 'README.md').read_text()
    assert card.count('## Measured') == 1
    assert 'Not yet' not in card
    assert '## What it cannot' in card
    assert all(figure.row in card for figure in figures)
    monkeypatch.setattr(quality_job, 'word_classifier', lambda *_: pytest.fail('measured once more'))
    assert quality_job.run(job) == figures == quality_job.kept(job.model)


def test_each_measurement_is_kept_as_it_is_made(job, monkeypatch):
    def stopped(subject, amounts):
        raise KeyboardInterrupt

    monkeypatch.setattr(quality_job, 'MEASUREMENTS', {quality.autoencoder: ('windows',), stopped: ()})
    with pytest.raises(KeyboardInterrupt):
        quality_job.run(job)
    assert list(json.loads((job.model / 'quality.json').read_text())['measured']) == ['autoencoder']


def test_the_record_knows_the_weights(trained):
    before = quality_job.weights_of(trained)
    weight = trained.vae.decoder.conv_out.bias
    weight += 1
    assert quality_job.weights_of(trained) != before
    weight -= 1


def test_windows_are_of_the_test_split_and_spread_evenly(subject, data, trained, classifier):
    assert len(subject.images) == len(subject.lines) == 7
    assert [line['split'] for line in subject.lines] == ['test'] * 7
    assert subject.evenly(3) == [0, 3, 6]
    assert subject.evenly(100) == [*range(7)]
    assert {subject.lines[k]['word'] for k in subject.evenly(100, with_word=True)} == set(CLASSES[1:])
    with pytest.raises(DataError, match='no window is of split test'):
        Subject.of(trained, data, [dict(line, split='train') for line in subject.lines], classifier)


def test_the_confusion_counts_asked_by_seen(subject, monkeypatch):
    """Everything is judged right, but rust (2) taken for a dent (6)."""
    asked = []
    monkeypatch.setattr(measure, 'draw', lambda pipe, prompts, *_: asked.append(prompts) or np.zeros(7))
    monkeypatch.setattr(quality, 'word_probabilities', lambda *_: np.eye(7)[[0, 1, 6, 3, 4, 5, 6]])
    counts = quality.confusion(subject, FEW, 5.0, 2)
    expected = 2 * np.eye(7, dtype=int)
    expected[2] = [0, 0, 0, 0, 0, 0, 2]
    assert np.array_equal(counts, expected)
    assert quality._recognised(counts) == pytest.approx(10 / 12)
    nouns = sorted({line['caption'] for line in subject.lines if not line['word']})
    assert asked[0][0] == nouns[0]
    assert asked[0][2] == f'{nouns[0]} with rust'
    figures = quality.words(subject, FEW)
    assert [figures[0].value, figures[1].value, figures[2].value] == pytest.approx([5 / 6, 0, 1])
    assert asked[-1][2] == f'rust {nouns[0]}'


def test_plain_ddim_is_the_guided_way_back_that_nobody_holds(subject, monkeypatch):
    """Against the loop written out: up under the caption alone, down with guidance away from the empty prompt."""
    monkeypatch.setattr(quality, 'EditSettings', partial(EditSettings, rli=RLISettings(alpha=0)))
    pipe = subject.pipe
    denoiser = Denoiser(pipe, DDIMGrid.from_pipeline(pipe, 3), (64, 64))
    cond, null = encode(pipe, [subject.lines[2]['caption']]), encode(pipe, [''])
    z = encode_images(pipe, subject.images[2:3])
    with torch.no_grad():
        for i in (2, 1, 0):
            z = denoiser.grid.up(z, denoiser(z, i, cond), i)
        for i in range(3):
            eps = denoiser(z, i, null)
            z = denoiser.grid.down(z, eps + 7.5 * (denoiser(z, i, cond) - eps), i)
    expected = psnr(subject.images[2], decode_latents(pipe, z)[0])
    found = quality.reconstructions(subject, [2], Amounts(inversion_steps=3, inversion_guidance=7.5), 'ddim')
    assert found == pytest.approx([expected], abs=0.02)


def test_the_command_refuses_and_shows(tmp_path, monkeypatch, capsys):
    with pytest.raises(UsageError, match=r'no model; python augment/train_pocket\.py --out .*model makes one'):
        quality_job.run(quality_job.Job(tmp_path / 'model', tmp_path, tmp_path, FEW, find_place('cpu')))
    monkeypatch.setattr(sys, 'argv', ['measure_pocket.py', '--model', str(tmp_path), '--print'])
    with pytest.raises(UsageError, match=r'quality\.json: no such file'):
        measure_pocket.main()
    Record('m', 'd').keep('a', {}, [Figure('chance', 0.25, '%', 4)], tmp_path / 'quality.json')
    measure_pocket.main()
    assert '| chance | 25.0 % | | | 4 |' in capsys.readouterr().out


def test_the_command_line_reaches_the_amounts(tmp_path, monkeypatch, capsys):
    jobs = []
    monkeypatch.setattr(quality_job, 'run', lambda job: jobs.append(job) or [])
    given = ['--count', '7', '--inverted', '3', '--inversion-steps', '9', '--data', str(tmp_path)]
    monkeypatch.setattr(sys, 'argv', ['measure_pocket.py', *given, '--device', 'cpu'])
    measure_pocket.main()
    assert jobs[0].amounts == Amounts(samples=7, inverted=3, inversion_steps=9)
    assert jobs[0].classifier == tmp_path / 'word_classifier.safetensors'


def test_it_runs_by_its_path_from_another_folder(tmp_path):
    line = [sys.executable, measure_pocket.__file__, '--help']
    run = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert '--inversion-steps' in run.stdout
