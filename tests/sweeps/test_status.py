"""How far a run is, from nothing over every stage of a training to what became of the recipe since."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict
from PIL import Image
from tiny_project import Project, copy_project, make_project

import mmseg_ext.sweeps.plans.configs as configs_module
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import data_hash, save_config
from mmseg_ext.engine.results import identity
from mmseg_ext.errors import UsageError
from mmseg_ext.files import write_json
from mmseg_ext.sweeps.engines.lock import exclusive
from mmseg_ext.sweeps.jobs import FAILURE, Job
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.plan import plan_recipes
from mmseg_ext.sweeps.progress.status import Standing, standing, standings, state


@pytest.fixture(scope='module')
def shared(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def project(shared, tmp_path) -> Project:
    """A project whose recipe and data the test may change."""
    return copy_project(shared, tmp_path)


@pytest.fixture
def job(project) -> Job:
    (job,) = plan_recipes(
        [project.recipe], project.root / 'work_dirs/p', options={'train_cfg.max_iters': 9}, seeds=(3,)
    ).jobs
    return job


def merged(job: Job) -> Config:
    cfg = load_config(job.recipe, job.swaps, job.options)
    cfg.run = ConfigDict(recipe=job.folder.parent.name)
    return cfg


def begin(job: Job, iteration: int = 0) -> None:
    """What a training leaves that is cut after ``iteration``."""
    save_folder = job.folder / 'train'
    (save_folder / 'ckpt').mkdir(parents=True)
    save_config(merged(job), save_folder)
    if iteration:
        (save_folder / f'ckpt/iter_{iteration}.pth').touch()
        (save_folder / 'ckpt/last_checkpoint').write_text(f'iter_{iteration}.pth')


def write(job: Job, split: str, **changes) -> None:
    """What judging leaves."""
    folder = job.folder / ('train' if split == 'val' else split)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / 'result.json', dict(identity(merged(job), split), seed=job.seed, **changes))


def finish(job: Job) -> None:
    begin(job, 9)
    write(job, 'val')
    write(job, 'test')


def look(job: Job) -> Standing:
    return standing(job, JobConfigs())


def test_nothing_there(job):
    assert look(job) == Standing('new')
    job.folder.mkdir(parents=True)
    (job.folder / 'log.txt').touch()
    assert look(job) == Standing('new')


def test_the_stages_of_a_run(job):
    begin(job)
    assert look(job) == Standing('begun', 'iteration 0')
    shutil.rmtree(job.folder)
    begin(job, 6)
    assert look(job) == Standing('begun', 'iteration 6', 6)
    write(job, 'val')
    assert look(job) == Standing('begun', 'trained, to be judged', 6)
    write(job, 'test')
    assert look(job) == Standing('finished')
    assert state(job) == 'finished'


def test_a_run_that_a_process_works_on(job):
    job.folder.mkdir(parents=True)
    with exclusive(job.folder):
        assert look(job) == Standing('new', 'under way now')
        begin(job, 3)
        assert look(job) == Standing('begun', 'iteration 3, under way now', 3)
    assert look(job) == Standing('begun', 'iteration 3', 3)


def test_the_best_weights_are_not_where_a_training_goes_on(job):
    begin(job)
    (job.folder / 'train/ckpt/best_mIoU_fg_iter_6.pth').touch()
    (job.folder / 'train/ckpt/iter_3.pth').touch()
    assert look(job).iterations == 3


def test_a_run_that_failed(job):
    begin(job, 3)
    write_json(job.folder / FAILURE, dict(reason='killed by signal 9', code=-9))
    assert look(job) == Standing('failed', 'killed by signal 9', 3)
    write(job, 'val')
    write(job, 'test')
    assert look(job) == Standing('finished')


def test_a_run_that_failed_before_it_began(job):
    job.folder.mkdir(parents=True)
    write_json(job.folder / FAILURE, dict(reason='no data', code=3))
    assert look(job) == Standing('failed', 'no data')


def test_a_damaged_record_is_told(job):
    finish(job)
    (job.folder / 'test/result.json').write_text('{"scores": ')
    with pytest.raises(UsageError, match=r'test/result\.json: no JSON, or damaged'):
        look(job)


def test_a_run_without_a_test_is_finished_by_its_training(job):
    begin(job, 9)
    write(job, 'val')
    assert look(replace(job, test=False)).state == 'finished'
    assert look(job).state == 'begun'


def test_without_a_seed_of_its_own_a_run_has_that_of_the_recipe(job):
    finish(job)
    assert look(replace(job, seed=None)).state == 'begun'
    write(replace(job, seed=0), 'test')
    assert look(replace(job, seed=None)).state == 'finished'


def test_the_result_of_another_seed_does_not_count(job):
    finish(job)
    found = look(replace(job, seed=4))
    assert found.state == 'begun'
    assert found.note.startswith('trained with seed 3: delete the folder')


@pytest.mark.parametrize('stage', [begin, finish])
def test_a_recipe_that_has_changed_is_told_with_its_key(project, job, stage):
    stage(job, *([3] if stage is begin else []))
    text = project.recipe.read_text()
    project.recipe.write_text(text + '\noptim_wrapper = dict(optimizer=dict(lr=0.5))\nexpected = dict(mIoU=1)\n')
    found = look(job)
    assert found.state == 'begun'
    assert '(optim_wrapper.optimizer.lr): delete the folder to train anew' in found.note


def test_a_recipe_that_has_changed_between_training_and_judging(project, job):
    begin(job, 9)
    write(job, 'val')
    project.recipe.write_text(project.recipe.read_text() + '\noptim_wrapper = dict(optimizer=dict(lr=0.5))\n')
    assert look(job).note.startswith('the recipe has changed (optim_wrapper.optimizer.lr)')


def test_what_says_nothing_about_the_training_may_change(project, job):
    finish(job)
    project.recipe.write_text(project.recipe.read_text() + '\nexpected = dict(mIoU=1)\n')
    assert look(job).state == 'finished'


def repaint(project: Project, split: str) -> None:
    mask = next((project.data / f'ann_dir/{split}').iterdir())
    Image.fromarray(1 - np.minimum(np.array(Image.open(mask)), 1)).save(mask)


def test_training_data_that_has_changed(project, job):
    finish(job)
    repaint(project, 'train')
    assert look(job).state == 'begun'
    assert look(job).note.startswith('the training data has changed: delete the folder')
    write(job, 'test')  # judged anew, but of weights that have seen the old masks
    assert look(job).state == 'begun'


def test_training_data_that_has_changed_since_a_test_that_alone_was_kept(project, job):
    finish(job)
    (job.folder / 'train/result.json').unlink()
    assert look(job).state == 'finished'
    repaint(project, 'train')
    assert look(job).note.startswith('the training data has changed')


def test_test_data_that_has_changed(project, job):
    finish(job)
    repaint(project, 'test')
    assert look(job) == Standing('begun', 'the test data has changed: it will be judged anew', 9)
    assert look(replace(job, test=False)).state == 'finished'


def test_data_that_is_gone_contradicts_nothing(project, job):
    finish(job)
    shutil.rmtree(project.data)
    assert look(job).state == 'finished'


def test_many_runs_are_judged_by_one_look_at_the_data(project, monkeypatch):
    jobs = plan_recipes([project.recipe], project.root / 'work_dirs/p', seeds=(0, 1, 2)).jobs
    for job in jobs[:2]:
        finish(job)
    counted: list[tuple[Path, ...]] = []
    monkeypatch.setattr(configs_module, 'data_hash', lambda folders: counted.append(folders) or data_hash(folders))
    found = standings(jobs)
    assert [found[job.folder].state for job in jobs] == ['finished', 'finished', 'new']
    assert len(counted) == len(set(counted)) == 2  # training and test


def test_runs_of_one_folder_but_other_options_are_told_apart(project, job):
    finish(job)
    other = replace(job, options={'train_cfg.max_iters': 8})
    assert look(other).state == 'begun'
    configs = JobConfigs()
    assert configs.of(job).hash != configs.of(other).hash
    assert configs.of(job) is configs.of(replace(job, seed=8))
