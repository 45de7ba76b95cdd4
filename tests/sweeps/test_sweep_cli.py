"""tools/sweep.py as its user meets it, up to the point where runs begin."""

from pathlib import Path

import pytest
from tiny_project import Project, make_project
from tool_runner import run_tool

PLAN = """
title: Two losses
columns: [Model, Loss]
seeds: [0, 1]
recipes: {Tiny: tiny/tiny.py}
groups:
  Dice+CE: {}
  Focal: {swap: losses=focal}
"""


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> Project:
    project = make_project(tmp_path_factory.mktemp('project'))
    (project.root / 'configs/sweeps').mkdir(exist_ok=True)
    (project.root / 'configs/sweeps/two.yaml').write_text(PLAN)
    return project


@pytest.fixture
def project(made, monkeypatch) -> Project:
    monkeypatch.chdir(made.root)
    return made


TWO, TINY = 'configs/sweeps/two.yaml', 'configs/tiny/tiny.py'


def dry_run(capsys, *words: object) -> str:
    assert run_tool('sweep', *words, '--dry-run', '--gpus', 0) == 0
    return capsys.readouterr().out


def test_a_dry_run_shows_the_plan_and_leaves_nothing(project, capsys):
    out = dry_run(capsys, '--project', 'P', '--sweep', TWO)
    assert out.startswith('Two losses: 4 runs in work_dirs/P\n')
    assert out.count(' new ') == 4
    assert '\n4 new; ' in out
    assert not Path('work_dirs').exists()


def test_recipes_with_swaps_and_seeds(project, capsys, tmp_path):
    out = dry_run(capsys, TINY, '--swap', 'losses=focal', '--seeds', 5, 6, 7, '--work-dir', tmp_path)
    assert out.startswith(f'Recipes: 3 runs in {tmp_path}/default\n')
    assert [line.split()[-3] for line in out.splitlines() if ' new ' in line] == ['5', '6', '7']
    assert 'tiny-focal' in out


def test_several_plans_come_one_after_the_other(project, capsys):
    out = dry_run(capsys, '--sweep', TWO, TWO, '--seeds', 3)
    assert out.count('Two losses: 2 runs in work_dirs/default\n') == 2


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        ((), 'give either --sweep and its files, or recipes'),
        ((TINY, '--sweep', TWO), 'give either --sweep and its files, or recipes'),
        (('--sweep', TWO, '--swap', 'losses=focal'), '--swap and --cfg-options go with recipes'),
        (('--sweep', TWO, '--cfg-options', 'train_cfg.max_iters=1'), '--swap and --cfg-options go with recipes'),
        (('--sweep', 'configs/sweeps/too.yaml'), 'configs/sweeps/too.yaml: no such plan; did you mean'),
        (('--sweep', TWO, '--project', ''), "--project '': a name for a folder in work_dirs is needed"),
        (('--sweep', TWO, '--project', '../P'), "--project '../P': a name for a folder"),
        (('--sweep', TWO, '--project', '..'), "--project '..': a name for a folder"),
        (('--sweep', TWO, '--gpus', '99'), '--gpus 99: there '),
        (('--sweep', TWO, '--seeds', '1', '1'), 'seeds: 1 stands there twice'),
        (('configs/tiny/tinny.py',), 'tinny.py'),
        ((TINY, '--swap', 'losses=focall'), 'did you mean focal'),
    ],
)
def test_a_mistake_is_one_line(project, capsys, words, said):
    assert run_tool('sweep', *words) == 2
    error = capsys.readouterr().err
    assert error.count('error: ') == 1
    assert said in error
    assert len(error.splitlines()) == 1
    assert not Path('work_dirs').exists()
