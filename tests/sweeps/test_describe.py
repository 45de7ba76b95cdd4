"""What --dry-run prints of a plan."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_project import Project, make_project

import mmseg_ext.sweeps.progress.describe as describe_module
from mmseg_ext.files import write_json
from mmseg_ext.sweeps.jobs import FAILURE, Job
from mmseg_ext.sweeps.plans.needs import missing_data, needs_text, to_prepare
from mmseg_ext.sweeps.plans.plan import Line, Plan, plan_recipes
from mmseg_ext.sweeps.progress.describe import Outlook, describe, duration, outlook, totals
from mmseg_ext.sweeps.progress.status import Standing


@pytest.fixture(scope='module')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


def plan_of(project: Project, folder: Path, swaps=('losses=dice_ce',), seeds=(0, 1), **changes) -> Plan:
    """Two lines of one model: the second trains 60 iterations instead of 6."""
    lines = []
    for group, options in (('short', {}), ('long', {'train_cfg.max_iters': 60})):
        plan = plan_recipes([project.recipe], folder, swaps, options, seeds)
        lines.append(Line('Tiny', group, plan.lines[0].jobs))
    return Plan(
        **{**dict(name='p', title='Two', columns=('Net', 'Length'), marks='best'), **changes},
        project=folder,
        lines=tuple(lines),
    )


@pytest.fixture
def known_seconds(monkeypatch):
    """A function that takes another one, from a job to the seconds it is said to take."""

    def tell(seconds):
        told = lambda jobs, *_: {job.folder: seconds(job) for job in jobs}  # noqa: E731
        monkeypatch.setattr(describe_module, 'estimates', told)

    return tell


def rows(text: str) -> list[list[str]]:
    """The cells of the table, split where there are two blanks."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if '──' in line)
    end = next(index for index in range(start, len(lines)) if not lines[index].strip())
    return [line.split() for line in lines[start + 1 : end]]


def is_long(job: Job) -> bool:
    return job.options.get('train_cfg.max_iters') == 60


def test_every_run_has_a_line(project, tmp_path, known_seconds):
    plan = plan_of(project, tmp_path / 'work_dirs/p')
    known_seconds(lambda job: 600.0 if is_long(job) else 61.0)
    text = describe(plan, slots=2)
    assert text.splitlines()[0] == f'Two: 4 runs in {tmp_path / "work_dirs/p"}'
    assert rows(text) == [
        ['Tiny', 'short', '0', 'new', '61', 's'],
        ['1', 'new', '61', 's'],
        ['long', '0', 'new', '10', 'min'],
        ['1', 'new', '10', 'min'],
    ]
    assert text.splitlines()[-1] == '4 new; about 11 min with 2 at once'


def test_a_run_that_failed_says_why_and_one_begun_how_far_it_is(project, tmp_path, known_seconds):
    plan = plan_of(project, tmp_path / 'p')
    known_seconds(lambda job: 600.0)
    failed, _, begun, _ = plan.jobs
    failed.folder.mkdir(parents=True)
    write_json(failed.folder / FAILURE, dict(reason='loss is [b]NaN[/b]', code=1))
    (begun.folder / 'train/ckpt').mkdir(parents=True)
    (begun.folder / 'train/ckpt/last_checkpoint').write_text('iter_45.pth')
    look = describe(plan, slots=1)
    assert rows(look)[0] == ['Tiny', 'short', '0', 'failed', '10', 'min', 'loss', 'is', '[b]NaN[/b]']
    assert rows(look)[2] == ['long', '0', 'begun', '2', 'min', 'iteration', '45']  # a quarter of ten minutes
    assert look.splitlines()[-1] == '1 begun, 1 failed, 2 new; about 32 min with 1 at once'


def test_of_many_runs_the_seeds_share_a_line(project, tmp_path, known_seconds):
    plan = plan_of(project, tmp_path / 'p', seeds=range(21))
    known_seconds(lambda job: None if is_long(job) and job.seed == 0 else 60.0)
    short, long = rows(describe(plan, slots=2, width=200))
    assert short == ['Tiny', 'short', *map(str, range(21)), '21', 'new', '21', 'min']
    assert long == ['long', *map(str, range(21)), '21', 'new', '?']
    assert len(rows(describe(plan_of(project, tmp_path / 'p', seeds=range(20)), slots=2))) == 40


def test_no_line_is_wider_than_asked_for(project, tmp_path, known_seconds):
    plan = plan_of(project, tmp_path / 'p')
    known_seconds(lambda job: None)
    folder = plan.jobs[0].folder
    folder.mkdir(parents=True)
    write_json(folder / FAILURE, dict(reason='a long story ' * 30, code=1))
    table = describe(plan, slots=1, width=80).splitlines()[1:-1]
    assert max(map(len, table)) <= 80


@pytest.mark.parametrize(
    ('seconds', 'slots', 'said'),
    [
        ([100.0, 100.0, 100.0], 2, 'about 2 min with 2 at once'),
        ([1000.0, 10.0, 10.0], 3, 'about 17 min with 3 at once'),  # the longest one
        ([60.0, None, None], 4, 'about 60 s with 3 at once, and 2 runs of unknown length'),
        ([60.0, 60.0, None], 1, 'about 2 min with 1 at once, and 1 run of unknown length'),
        ([None, None, None], 1, 'how long they take is unknown until the first one has finished'),
    ],
)
def test_the_time_that_all_runs_take(tmp_path, seconds, slots, said):
    jobs = tuple(Job(Path('a.py'), tmp_path / str(index)) for index in range(3))
    plan = Plan('p', 't', ('a', 'b'), 'best', tmp_path, (Line('m', 'g', jobs),))
    look = Outlook(
        plan,
        {job.folder: Standing('new') for job in jobs},
        dict(zip((job.folder for job in jobs), seconds, strict=True)),
    )
    assert totals(look, slots) == f'3 new; {said}'


def test_when_all_is_done(tmp_path):
    job = Job(Path('a.py'), tmp_path)
    plan = Plan('p', 't', ('a', 'b'), 'best', tmp_path, (Line('m', 'g', (job,)),))
    assert totals(Outlook(plan, {tmp_path: Standing('finished')}, {}), 2) == '1 finished; nothing is left to do'


def test_runs_that_are_finished_take_no_time(project, tmp_path, monkeypatch):
    plan = plan_of(project, tmp_path / 'p')
    done = {job.folder: Standing('finished' if job.seed else 'new') for job in plan.jobs}
    monkeypatch.setattr(describe_module, 'standings', lambda *_: done)
    look = outlook(plan, describe_module.JobConfigs())
    assert look.seconds == {job.folder: None for job in plan.jobs if job.seed == 0}
    assert [standing.state for standing in look.found] == ['new', 'finished'] * 2


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [
        (0.4, '0 s'),
        (89, '89 s'),
        (90, '2 min'),
        (3569, '59 min'),
        (3600, '1 h 00 min'),
        (11100, '3 h 05 min'),
        (86399, '1 d 0 h'),
        (190000, '2 d 4 h'),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_data_that_is_missing_is_told_before_the_first_run(project, tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path / 'data'))
    plan = plan_of(project, tmp_path / 'p', swaps=('datasets=wta_512_peeling', 'losses=dice'))
    real, edited = tmp_path / 'data/wta_512', tmp_path / 'data/wta_512_peeling'
    assert missing_data(plan) == {edited: 4, real: 4}
    for split in ('val', 'test'):
        for part in ('img_dir', 'ann_dir'):
            (real / part / split).mkdir(parents=True)
    (edited / 'img_dir/train').mkdir(parents=True)
    assert missing_data(plan) == {edited / 'ann_dir/train': 4}
    *_, missing, cure = describe(plan, slots=1).splitlines()
    assert missing == f'missing: {edited / "ann_dir/train"}, which 4 of 4 runs need'
    assert 'data/README.md' in cure


def test_images_for_a_test_are_missed_by_runs_that_are_tested(project, tmp_path, monkeypatch):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(tmp_path / 'data'))
    plan = plan_of(project, tmp_path / 'p', swaps=('datasets=wta_512', 'losses=dice'), seeds=(0,))
    root = tmp_path / 'data/wta_512'
    for folder in ('img_dir/train', 'ann_dir/train', 'img_dir/val', 'ann_dir/val', 'img_dir/test'):
        (root / folder).mkdir(parents=True)
    assert missing_data(plan) == {root / 'ann_dir/test': 2}
    first, second = plan.lines
    untested = replace(second, jobs=(replace(second.jobs[0], test=False),))
    assert missing_data(replace(plan, lines=(first, untested))) == {root / 'ann_dir/test': 1}


def test_what_a_plan_makes_itself_is_not_missing(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_of(
        project, tmp_path / 'p', ('datasets=demo_blade',), prepare={'data/demo_blade': 'python draw.py'}
    )
    assert missing_data(plan) == {}
    assert needs_text(plan) == ['first: python draw.py   (data/demo_blade is not there)']
    Path('data/demo_blade').mkdir(parents=True)
    assert to_prepare(plan) == {}


def test_nothing_is_missing_where_all_is_there(project, tmp_path):
    assert needs_text(plan_of(project, tmp_path / 'p')) == []
