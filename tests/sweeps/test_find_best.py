"""The best weights of a run by the mean of its metrics, from what trainings leave."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_ext.engine.best import Best, find_best, find_runs
from mmseg_ext.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
NAN = float('nan')


def make_run(folder: Path, scores: dict[int, tuple], kept: list[str], start: str = '20260101_000000') -> Path:
    """A run whose validations gave ``scores`` ({iteration: (aAcc, mIoU, mAcc)}), and which kept these weights."""
    log = folder / 'train' / start / 'vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    rows = []
    for step, values in scores.items():
        rows.append({'lr': 0.1, 'loss': 200.0, 'decode.acc_seg': 99.0, 'iter': step, 'step': step})
        rows.append(
            {**dict(zip(('aAcc', 'mIoU', 'mAcc'), values, strict=True)), 'mIoU_fg': values[1] / 2, 'step': step}
        )
    log.write_text('\n'.join(json.dumps(row) for row in rows) + '\n{"aAcc": 9')  # cut by a kill
    (folder / 'train/ckpt').mkdir(exist_ok=True)
    for name in kept:
        (folder / 'train/ckpt' / name).touch()
    return folder


def test_the_highest_mean_of_the_three_metrics_wins(tmp_path):
    scores = {100: (98, 30, 40), 200: (97, 40, 60), 300: (99, 41, 50)}
    run = make_run(tmp_path, scores, ['best_mIoU_iter_300.pth', 'iter_200.pth', 'iter_300.pth'])
    found = find_best(run)
    assert found == Best(run / 'train/ckpt/iter_200.pth', 200, pytest.approx(197 / 3), 200, pytest.approx(197 / 3))
    assert found.is_top


def test_other_metrics_choose_otherwise(tmp_path):
    scores = {100: (98, 30, 40), 200: (97, 40, 60), 300: (99, 41, 50)}
    run = make_run(tmp_path, scores, ['best_mIoU_iter_300.pth', 'iter_200.pth'])
    assert find_best(run, ['mIoU']).checkpoint.name == 'best_mIoU_iter_300.pth'
    assert find_best(run, ['mIoU_fg', 'mAcc']).score == 40


def test_a_score_that_is_no_number_never_wins_wherever_it_stands(tmp_path):
    for order in ([100, 200, 300], [300, 200, 100]):
        scores = {100: (NAN, 90, 90), 200: (50, 50, 50), 300: (99, NAN, 99)}
        run = make_run(
            tmp_path / str(order[0]), {step: scores[step] for step in order}, [f'iter_{s}.pth' for s in order]
        )
        assert find_best(run).iteration == 200


def test_the_first_of_equals_wins(tmp_path):
    steps = [7000, 300, 40000, 250, 9000, 12000, 4000]
    scores = {step: (50, 60, 70) if step % 2000 else (60, 60, 60) for step in steps}
    run = make_run(tmp_path, scores, [f'iter_{step}.pth' for step in steps])
    assert find_best(run).iteration == 250


def test_a_validation_that_lacks_a_metric_does_not_take_part(tmp_path):
    run = make_run(tmp_path, {100: (50, 50, 50), 200: (60, 60, 60)}, ['iter_100.pth', 'iter_200.pth'])
    log = run / 'train/20260102_000000/vis_data/scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(json.dumps({'mIoU': 99.0, 'step': 150}))
    (run / 'train/ckpt/iter_150.pth').touch()
    assert find_best(run).iteration == 200
    assert find_best(run, ['mIoU']).iteration == 150


def test_weights_without_the_optimiser_are_preferred(tmp_path):
    run = make_run(tmp_path, {100: (1, 1, 1)}, ['iter_100.pth', 'best_mIoU_fg_iter_100.pth'])
    assert find_best(run).checkpoint.name == 'best_mIoU_fg_iter_100.pth'


def test_the_best_that_were_kept_when_the_very_best_were_not(tmp_path):
    scores = {100: (90, 90, 90), 200: (10, 10, 10), 300: (20, 20, 20), 400: (NAN, 1, 1)}
    run = make_run(tmp_path, scores, ['iter_400.pth', 'iter_300.pth', 'iter_317.pth', 'best_mIoU_iter_200.pth'])
    found = find_best(run)
    assert (found.iteration, found.score, found.top_iteration, found.top_score) == (300, 20, 100, 90)
    assert not found.is_top


def test_of_a_resumed_run_the_later_word_on_an_iteration_counts(tmp_path):
    make_run(tmp_path, {100: (90, 90, 90), 200: (10, 10, 10)}, ['iter_100.pth', 'iter_200.pth'], '20260101_000000')
    run = make_run(tmp_path, {200: (95, 95, 95)}, [], '20260102_000000')
    assert find_best(run).iteration == 200


@pytest.mark.parametrize(
    ('scores', 'kept', 'metrics', 'problem'),
    [
        ({}, ['iter_1.pth'], ['mIoU'], 'train: no validation in it'),
        ({1: (1, 1, 1)}, [], ['mIoU'], r'ckpt: no weights of a validated iteration \(1\); train on'),
        ({1: (1, 1, 1)}, ['iter_2.pth', 'last.pth'], ['mIoU'], 'no weights of a validated iteration'),
        ({1: (1, NAN, 1)}, ['iter_1.pth'], ['aAcc', 'mIoU'], 'no validation has a number for each of aAcc, mIoU'),
        ({1: (1, 1, 1)}, ['iter_1.pth'], ['mIoU', 'mIou_fg'], 'no metric "mIou_fg" there; did you mean mIoU_fg'),
        ({1: (1, 1, 1)}, ['iter_1.pth'], ['loss'], 'no metric "loss" there'),
    ],
)
def test_where_there_is_none_the_error_says_why(tmp_path, scores, kept, metrics, problem):
    run = make_run(tmp_path, scores, kept)
    with pytest.raises(UsageError, match=problem):
        find_best(run, metrics)


def test_runs_below_a_project(tmp_path):
    one = make_run(tmp_path / 'p/exp/m/r/seed1', {1: (1, 1, 1)}, ['iter_1.pth'])
    two = make_run(tmp_path / 'p/exp/m/r/seed0', {1: (1, 1, 1)}, ['iter_1.pth'])
    assert find_runs([tmp_path / 'p']) == [two, one]
    assert find_runs([one, two, one]) == [one, two]
    (tmp_path / 'empty').mkdir()
    with pytest.raises(UsageError, match='empty: no run in it has weights'):
        find_runs([tmp_path / 'empty'])
    with pytest.raises(UsageError, match='nowhere: no such folder'):
        find_runs([tmp_path / 'nowhere'])


def call(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / 'bash/find_best.py'), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, 'OMP_NUM_THREADS': '1'})


def test_the_command_prints_nothing_but_the_path(tmp_path):
    run = make_run(tmp_path, {100: (90, 90, 90), 200: (10, 30, 20)}, ['iter_200.pth'])
    done = call(run)
    assert (done.returncode, done.stdout) == (0, f'{run / "train/ckpt/iter_200.pth"}\n')
    assert 'mean of aAcc, mIoU, mAcc 20.00 at iteration 200; 90.00 at iteration 100' in done.stderr
    assert '--cfg-options +default_hooks.checkpoint.max_keep=' in done.stderr


def test_the_command_goes_on_after_a_run_without_weights(tmp_path):
    make_run(tmp_path / 'a', {1: (1, 1, 1)}, [])
    good = make_run(tmp_path / 'b', {1: (1, 1, 1)}, ['iter_1.pth'])
    done = call(tmp_path, '--metrics', 'mIoU_fg,mAcc')
    assert (done.returncode, done.stdout) == (2, f'{good / "train/ckpt/iter_1.pth"}\n')
    assert f'error: {tmp_path / "a/train/ckpt"}: no weights of a validated iteration' in done.stderr
    assert 'mean of mIoU_fg, mAcc 0.75 at iteration 1' in done.stderr
