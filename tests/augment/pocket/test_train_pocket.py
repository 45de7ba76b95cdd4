"""The command line: what it asks for is done, again does what is left, and refusals are one line."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from augment import train_pocket
from augment.errors import UsageError
from augment.pocket import job as jobs
from augment.pocket.loop import Stage

ROOT = Path(train_pocket.__file__).parents[1]


def command(*args, cwd=ROOT):
    line = [sys.executable, str(ROOT / 'augment/train_pocket.py'), *map(str, args)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False)


def settings_of(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['train_pocket.py', *args])
    return train_pocket.settings(train_pocket.parse_args())


def test_the_command_line_reaches_the_settings(monkeypatch):
    from augment.pocket.settings import TrainSettings

    assert settings_of(monkeypatch) == TrainSettings()
    changed = settings_of(monkeypatch, '--vae-steps', '7', '--unet-steps', '9', '--batch', '5', '--seed', '2')
    assert (changed.vae.steps, changed.unet.steps) == (7, 9)
    assert (changed.vae.batch, changed.unet.batch, changed.seed) == (5, 5, 2)
    assert changed.vae.rate == TrainSettings().vae.rate
    assert settings_of(monkeypatch, '--bf16') == TrainSettings(bf16=True)


def test_refusals_from_another_folder(tmp_path):
    run = command('--data', tmp_path, cwd=tmp_path)
    assert (run.returncode, run.stdout) == (2, '')
    assert run.stderr.startswith(f'error: {tmp_path}/captions.jsonl: no such file; make it with ')
    assert not (tmp_path / 'work_dirs').exists()
    run = command('--minutes', 0, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (2, 'error: --minutes 0: no time to train in\n')


def test_minutes_are_shared_between_the_stages(tiny_job):
    job = replace(tiny_job, minutes=100)
    seconds = [job.stage(name, None, None, share).seconds for name, share in (('vae', 0.25), ('unet', 0.75))]
    assert seconds == [1500, 4500]
    assert tiny_job.stage('vae', None, None, 0.25).seconds is None
    seeds = {
        replace(tiny_job, settings=replace(tiny_job.settings, seed=s)).stage(n, 0, 0, 1).seed
        for s in range(3)
        for n in ('vae', 'unet')
    }
    assert len(seeds) == 6


def test_a_training_is_not_mixed_with_another(tiny_job, trained, tmp_path):
    out = tmp_path / 'model'
    other = replace(tiny_job, out=out, settings=replace(tiny_job.settings, dropout=0.2))
    with pytest.raises(UsageError, match=r'holds another training; .*--work\n +settings\.dropout: 0\.1 -> 0\.2'):
        jobs.run(other)
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'run.json').write_text('{')
    with pytest.raises(UsageError, match=r'run\.json: damaged'):
        jobs.run(replace(tiny_job, out=out, work=tmp_path / 'work'))
    assert not out.exists()


def test_a_folder_of_something_else_is_refused_before_any_training(tiny_job, tmp_path):
    (tmp_path / 'dear.txt').write_text('love')
    with pytest.raises(UsageError, match='is no model'):
        jobs.run(replace(tiny_job, out=tmp_path, work=tmp_path / 'work'))
    assert not (tmp_path / 'work').exists()


def test_the_same_again_trains_nothing_and_writes_the_same(tiny_job, trained, tmp_path, monkeypatch):
    work = shutil.copytree(tiny_job.work, tmp_path / 'work')
    monkeypatch.setattr('augment.pocket.loop._step', lambda *_: pytest.fail('a step of a finished stage'))
    monkeypatch.setattr('augment.pocket.latents.encode_windows', lambda *_: pytest.fail('encoded once more'))
    monkeypatch.setattr(jobs, 'collect', lambda *_: None)
    monkeypatch.setattr(jobs, 'write_card', lambda *_: None)
    jobs.run(replace(tiny_job, out=tmp_path / 'again', work=work))
    for file in sorted((tmp_path / 'again').rglob('*.safetensors')):
        assert file.read_bytes() == (tiny_job.out / file.relative_to(tmp_path / 'again')).read_bytes(), file


def test_the_averaged_weights_are_those_that_are_kept(tiny_job, trained):
    saved = torch.load(tiny_job.work / 'unet.pt', weights_only=True)
    name = 'unet.conv_in.weight'
    assert torch.equal(trained.unet.conv_in.weight, saved['average'][f'module.{name}'].half().float())
    assert not torch.equal(saved['average'][f'module.{name}'], saved['module'][name])


def test_stages_have_files_of_their_own(tiny_job, trained):
    assert {file.name for file in tiny_job.work.iterdir()} == {
        'run.json',
        'vae.pt',
        'vae.csv',
        'latents.safetensors',
        'unet.pt',
        'unet.csv',
    }
    assert Stage.checkpoint.fget(tiny_job.stage('vae', None, None, 1)) == tiny_job.work / 'vae.pt'
