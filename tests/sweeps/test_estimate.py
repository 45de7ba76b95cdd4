"""How long a run takes, from those that have finished."""

from pathlib import Path

import pytest
from mmengine.config import ConfigDict
from tiny_project import Project, make_project

import mmseg_ext.sweeps.progress.estimate as estimate_module
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import config_hash, save_config
from mmseg_ext.engine.runner import device_name
from mmseg_ext.files import write_json
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.plans.plan import plan_recipes
from mmseg_ext.sweeps.progress.estimate import START, estimate, estimates


@pytest.fixture(scope='module')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


def job_of(project: Project, folder: Path, swaps=(), seed=0, **options) -> Job:
    options = {key.replace('__', '.'): value for key, value in options.items()}
    return plan_recipes([project.recipe], folder, swaps, options, seeds=(seed,)).jobs[0]


def leave(job: Job, training: float, device: str | None = None) -> None:
    """The records of a finished run: so many seconds of training, 2 of validation and 3 of test."""
    cfg = load_config(job.recipe, job.swaps, job.options)
    cfg.run = ConfigDict(recipe='x')
    common = dict(config_hash=config_hash(cfg), device=device or device_name())
    for split in ('train', 'test'):
        (job.folder / split).mkdir(parents=True)
    save_config(cfg, job.folder / 'train')
    write_json(job.folder / 'train/result.json', dict(common, train_seconds=training, seconds=2.0))
    write_json(job.folder / 'test/result.json', dict(common, seconds=3.0))


def test_without_any_run_nobody_knows(project, tmp_path):
    assert estimate(job_of(project, tmp_path / 'p'), tmp_path / 'p') is None


def test_the_median_of_the_same_recipe_in_any_project(project, tmp_path):
    for place, training in enumerate((10.0, 30.0, 100.0)):
        leave(job_of(project, tmp_path / f'p{place}', seed=place), training)
    leave(job_of(project, tmp_path / 'p0', ['losses=focal'], train_cfg__max_iters=600), 7.0)
    assert estimate(job_of(project, tmp_path / 'q', seed=9), tmp_path / 'q') == 30 + 2 + 3 + START


def test_the_same_model_in_proportion_to_what_is_trained_on(project, tmp_path):
    leave(job_of(project, tmp_path / 'p'), 10.0)  # 6 iterations of 2 crops of 64 x 64
    for options, factor in (
        (dict(train_cfg__max_iters=60), 10),
        (dict(train_dataloader__batch_size=4), 2),
    ):
        job = job_of(project, tmp_path / 'p', ['losses=focal'], seed=1, **options)
        assert estimate(job, tmp_path / 'p') == pytest.approx(10 * factor + 2 + 3 + START)
    job = job_of(project, tmp_path / 'p', ['pipelines=crop_256'])
    assert estimate(job, tmp_path / 'p') == pytest.approx(10 * 16 + 2 + 3 + START)


def test_another_model_tells_nothing(project, tmp_path):
    leave(job_of(project, tmp_path / 'p'), 10.0)
    job = job_of(project, tmp_path / 'p', ['models=bisenetv2'])
    assert estimate(job, tmp_path / 'p') is None


def test_another_kind_of_device_tells_nothing_but_other_threads_do(project, tmp_path, monkeypatch):
    monkeypatch.setattr(estimate_module, 'device_name', lambda: 'cpu x 2')
    job = job_of(project, tmp_path / 'p')
    leave(job_of(project, tmp_path / 'p', seed=1), 10.0, device='NVIDIA H100 80GB HBM3')
    assert estimate(job, tmp_path / 'p') is None
    leave(job_of(project, tmp_path / 'p', seed=2), 20.0, device='cpu x 77')
    assert estimate(job, tmp_path / 'p') == 20 + 2 + 3 + START


def test_a_run_that_is_not_judged_yet_does_not_count(project, tmp_path):
    done = job_of(project, tmp_path / 'p')
    leave(done, 10.0)
    (done.folder / 'test/result.json').unlink()
    assert estimates([done], tmp_path / 'p') == {done.folder: None}


def test_runs_without_a_folder_for_the_seed_count_too(project, tmp_path):
    job = job_of(project, tmp_path / 'p')
    leave(Job(job.recipe, job.folder.parent), 10.0)
    assert estimate(job, tmp_path / 'p') == 10 + 2 + 3 + START
