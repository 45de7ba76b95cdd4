"""A sweep on a Ray cluster that loses a node in the middle: every run is finished, and finished once.

Two runs at once have three nodes, so that there is one to go on with.
"""

import csv
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from loopback_cluster import LoopbackCluster, needs_loopback, needs_ray
from script_job import wait_until
from tiny_project import make_project

from mmseg_ext.sweeps.engines.local import LocalEngine
from mmseg_ext.sweeps.engines.ray_engine import RayEngine
from mmseg_ext.sweeps.jobs import LOG, Ended, Job
from mmseg_ext.sweeps.plans.plan import Plan, plan_recipes
from mmseg_ext.sweeps.sweep import run_sweep

pytestmark = [needs_ray, needs_loopback]
ITERATIONS, SAVED, HELD = 12, 6, 7  # every second iteration is saved; runs are held when one more is done
OPTIONS = {'train_cfg.max_iters': ITERATIONS, 'train_cfg.val_interval': 4, 'param_scheduler.0.end': ITERATIONS}
HOLD = """
custom_imports = dict(imports=[*_base_.custom_imports.imports, 'hold_hook'], allow_failed_imports=False)
custom_hooks = [dict(type='HoldHook', after={after}, until='{go}')]
"""


def cut_while_it_works(cluster: LoopbackCluster, plan: Plan) -> Job:
    """Cut a node that is in the middle of a run, and wait until nothing of that run is left. Returns its job."""

    def held() -> list[tuple[Job, Any]]:
        saved = [job for job in plan.jobs if list(job.folder.glob(f'train/ckpt/iter_{SAVED}.pth'))]
        return [(job, node) for job in saved for node in cluster.nodes if cluster.processes(node, str(job.folder))]

    wait_until(held, 240)
    job, node = held()[0]
    wait_until(lambda: HELD in attempts(job)[0])
    cluster.cut(node)
    wait_until(lambda: not cluster.processes(node, str(job.folder)))
    return job


def result(job: Job, split: str = 'test') -> dict:
    return json.loads((job.folder / split / 'result.json').read_text())


def attempts(job: Job) -> list[dict[int, float]]:
    """The loss of every iteration, for each start of the training."""
    found = []
    for file in sorted(job.folder.glob('train/*/vis_data/scalars.json')):
        rows = map(json.loads, file.read_text().splitlines())
        found.append({row['step']: row['loss'] for row in rows if 'loss' in row})
    return found


def every_run_ends_well_and_is_told_once(plan: Plan, ended: list[Ended]) -> None:
    assert sorted((each.job.seed, each.code, each.reason) for each in ended) == [
        (0, 0, ''),
        (1, 0, ''),
        (2, 0, ''),
    ]
    assert not list(plan.project.rglob('failure.json'))


def only_the_run_that_was_hit_was_begun_again(plan: Plan, hit: Job) -> None:
    starts = {job.seed: (job.folder / LOG).read_text().count('\n=== ') + 1 for job in plan.jobs}
    assert starts == {job.seed: 2 if job == hit else 1 for job in plan.jobs}


def it_went_on_from_its_last_checkpoint_when_the_process_before_it_was_gone(hit: Job) -> None:
    before, after = attempts(hit)
    assert [*before] == [*range(1, HELD + 1)]
    assert [*after] == [*range(SAVED + 1, ITERATIONS + 1)]
    first, second = sorted(hit.folder.glob('train/*/vis_data/scalars.json'))
    began = time.mktime(time.strptime(second.parents[1].name, '%Y%m%d_%H%M%S'))
    assert first.stat().st_mtime < began + 1  # names have whole seconds


def all_end_with_the_same_iterations_and_the_one_that_was_resumed_is_marked(plan: Plan, hit: Job) -> None:
    for job in plan.jobs:
        assert (job.folder / 'train/ckpt/last_checkpoint').read_text() == f'iter_{ITERATIONS}.pth'
        assert [result(job)['resumed'], result(job, 'train')['resumed']] == [job == hit] * 2
    with (plan.project / 'results.csv').open() as file:
        rows = [*csv.DictReader(file)]
    assert {row['seed']: row['resumed'] for row in rows} == {str(job.seed): str(job == hit) for job in plan.jobs}


def the_others_are_those_of_the_local_engine(plan: Plan, hit: Job) -> None:
    seeds = [job.seed for job in plan.jobs if job != hit]
    local = plan_recipes([hit.recipe], Path('work_dirs/local'), options=OPTIONS, seeds=seeds)
    with closing(LocalEngine(2)) as engine:
        run_sweep(local, engine)
    others = {job.seed: job for job in plan.jobs}
    for job in local.jobs:
        (losses,) = attempts(job)
        assert [*losses] == [*range(1, ITERATIONS + 1)]
        assert attempts(others[job.seed]) == [losses]
        for key in ('scores', 'confusion', 'iteration', 'config_hash', 'data_hash'):
            assert result(others[job.seed])[key] == result(job)[key], key


@pytest.mark.slow
def test_a_sweep_that_loses_a_node_is_finished_by_the_others(tmp_path, monkeypatch, capfd):
    project, cluster, go = make_project(tmp_path), LoopbackCluster(), tmp_path / 'go'
    with project.recipe.open('a') as recipe:
        recipe.write(HOLD.format(after=HELD, go=go))
    monkeypatch.chdir(project.root)
    monkeypatch.setenv('OMP_NUM_THREADS', '1')  # sums in another order would end in other digits
    plan = plan_recipes([project.recipe], Path('work_dirs/ray'), options=OPTIONS, seeds=(0, 1, 2))
    with closing(cluster), ThreadPoolExecutor(1) as beside:
        cluster.nodes = [cluster.add(), cluster.add(), cluster.add()]
        with closing(RayEngine(0, 2, cluster.address)) as engine:
            hit = beside.submit(cut_while_it_works, cluster, plan)
            hit.add_done_callback(lambda _: go.touch())  # even when that has failed
            ended = run_sweep(plan, engine)
        assert 'raylet' not in ''.join(capfd.readouterr())  # the terminal is the sweep's
        every_run_ends_well_and_is_told_once(plan, ended)
        only_the_run_that_was_hit_was_begun_again(plan, hit.result())
        it_went_on_from_its_last_checkpoint_when_the_process_before_it_was_gone(hit.result())
        all_end_with_the_same_iterations_and_the_one_that_was_resumed_is_marked(plan, hit.result())
        the_others_are_those_of_the_local_engine(plan, hit.result())
