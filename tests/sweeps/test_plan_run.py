"""A planned job, done by its own command line, is what the plan then takes for finished."""

import os
import subprocess
from dataclasses import replace

import yaml
from mmengine.config import Config
from tiny_project import make_project

from mmseg_ext.engine.best import find_best
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.plan import read_plan, save_plan
from mmseg_ext.sweeps.progress.describe import describe
from mmseg_ext.sweeps.progress.estimate import estimate
from mmseg_ext.sweeps.progress.status import state

PLAN = {
    'recipes': {'Tiny': 'tiny/tiny.py'},
    'groups': {
        'Focal': {
            'swap': 'losses=focal',
            'cfg_options': {
                'model.decode_head.loss_decode.alpha': [0.2, 0.3, 0.5],
                'optim_wrapper.optimizer.lr': '1e-3',
                '+default_hooks.checkpoint.max_keep': 9,
                'train_cfg.max_iters': 4,
                'train_cfg.val_interval': 2,
            },
        }
    },
    'seeds': [5],
}


def test_what_a_job_leaves_is_the_finished_run_of_the_plan(tmp_path):
    project = make_project(tmp_path)
    file = tmp_path / 'configs/sweeps/plan.yaml'
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump(PLAN))
    plan = read_plan(file, tmp_path / 'work_dirs/p')
    (job,) = plan.jobs
    assert (state(job), estimate(job, plan.project)) == ('new', None)

    done = subprocess.run(
        job.command(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert state(job) == 'finished'
    assert state(replace(job, seed=6)) != 'finished'
    assert estimate(job, plan.project) > 0
    assert describe(plan, slots=1).splitlines()[-1] == '1 finished; nothing is left to do'

    trained = Config.fromfile(job.folder / 'train/config.py')
    assert config_hash(trained) == JobConfigs().of(job).hash
    assert trained.run.recipe == job.folder.parent.name
    assert trained.model.decode_head.loss_decode.alpha == [0.2, 0.3, 0.5]
    assert trained.optim_wrapper.optimizer.lr == 0.001

    save_plan(plan)
    ((row,),) = (comparison.rows for comparison in read_project(project.root / 'work_dirs/p').comparisons)
    assert [run.folder for run in row.finished] == [job.folder]
    kept = {file.name for file in (job.folder / 'train/ckpt').glob('iter_*.pth')}
    assert kept == {'iter_2.pth', 'iter_4.pth'}  # max_keep, so that no best weights are lost
    assert find_best(job.folder).is_top
