"""From a plan's YAML, or a list of recipes, to jobs: what is trained where, and what is refused."""

import json
from pathlib import Path

import pytest
import yaml
from tiny_project import Project, make_project

from mmseg_ext.engine.cli import training_parser
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import recipe_name, run_folder
from mmseg_ext.errors import UsageError
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.sweeps.plans.plan import plan_recipes, read_plan, save_plan

ALL = {
    'title': 'Two losses',
    'columns': ['Network', 'Loss'],
    'marks': 'best',
    'seeds': [0, 3],
    'recipes': {
        'Tiny': 'tiny/tiny.py',
        'Slow': {'recipe': 'tiny/tiny.py', 'cfg_options': {'train_cfg.max_iters': 9}},
    },
    'groups': {'Dice': {'swap': 'losses=dice_ce'}, 'Focal': {'swap': ['losses=focal']}},
    'prepare': {'data/mine': 'python make.py'},
}


@pytest.fixture(scope='module')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def plan_of(project, tmp_path):
    """A function from the content of a plan (a dict, or its text) to the plan, in the project ``work_dirs/p``."""

    def read(content, **arguments):
        file = project.root / f'configs/sweeps/{tmp_path.name}.yaml'
        file.parent.mkdir(exist_ok=True)
        file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return read_plan(file, tmp_path / 'work_dirs/p', **arguments)

    return read


def problems_of(plan_of, content, **arguments) -> list[str]:
    """The lines of the error, without the name of the file before each."""
    with pytest.raises(UsageError) as caught:
        plan_of(content, **arguments)
    return [line.strip().partition('.yaml: ')[2] for line in str(caught.value).splitlines()]


def minimal(**changes) -> dict:
    return {'recipes': {'Tiny': 'tiny/tiny.py'}, **changes}


def test_every_recipe_is_trained_on_every_group_with_every_seed(plan_of):
    plan = plan_of(ALL)
    assert [(line.model, line.group) for line in plan.lines] == [
        ('Tiny', 'Dice'),
        ('Tiny', 'Focal'),
        ('Slow', 'Dice'),
        ('Slow', 'Focal'),
    ]
    assert [[job.seed for job in line.jobs] for line in plan.lines] == [[0, 3]] * 4
    assert plan.lines[3].jobs[1].swaps == ('losses=focal',)
    assert plan.lines[3].jobs[1].options == {'train_cfg.max_iters': 9}
    assert plan.lines[0].jobs[0].options == {}
    assert len(plan.jobs) == 8
    assert (plan.title, plan.columns, plan.marks) == ('Two losses', ('Network', 'Loss'), 'best')
    assert plan.prepare == {'data/mine': 'python make.py'}


def test_what_a_plan_may_leave_out(plan_of):
    plan = plan_of(minimal())
    assert plan.title == plan.name
    assert (plan.columns, plan.marks, plan.prepare) == (('Model', 'Trained on'), 'change', {})
    assert [(line.model, line.group, [job.seed for job in line.jobs]) for line in plan.lines] == [
        ('Tiny', 'mine', [0])
    ]


def test_the_folder_is_the_one_that_the_tools_give_the_run(plan_of):
    plan = plan_of(ALL)
    for job in plan.jobs:
        args = training_parser('').parse_args([*job.command()[3:]])
        name = recipe_name(args.config, args.swap, args.cfg_options)
        expected = run_folder(args.config, name, args.seed, 'p', plan.project.parent)
        assert job.folder == args.work_dir == expected
        assert job.folder.name == f'seed{job.seed}'
    assert len({job.folder for job in plan.jobs}) == 8


def test_lines_that_mean_the_same_run_share_it(plan_of):
    plan = plan_of(
        minimal(groups={'As it is': None, 'Dice': {'swap': 'losses=dice_ce'}, 'Focal': {'swap': 'losses=focal'}})
    )
    as_it_is, dice, focal = plan.lines
    assert as_it_is.jobs[0].folder == dice.jobs[0].folder != focal.jobs[0].folder
    assert [job.folder for job in plan.jobs] == [dice.jobs[0].folder, focal.jobs[0].folder]


def test_the_later_of_two_swaps_or_options_wins(plan_of):
    plan = plan_of(
        {
            'swap': 'losses=focal pipelines=crop_256',
            'cfg_options': {'train_cfg.max_iters': 1, 'train_cfg.val_interval': 1, '+a': 0},
            'recipes': {
                'Tiny': {
                    'recipe': 'tiny/tiny.py',
                    'swap': 'losses=dice',
                    'cfg_options': {'train_cfg.max_iters': 2},
                }
            },
            'groups': {'G': {'swap': 'losses=tversky', 'cfg_options': {'train_cfg.max_iters': 3, '+a': 4}}},
        }
    )
    (job,) = plan.jobs
    assert sorted(job.swaps) == ['losses=tversky', 'pipelines=crop_256']
    assert job.options == {'train_cfg.max_iters': 3, 'train_cfg.val_interval': 1, '+a': 4}
    cfg = load_config(job.recipe, job.swaps, job.options)
    assert cfg.model.decode_head.loss_decode.type == 'SoftTverskyLoss'
    assert (cfg.train_cfg.max_iters, cfg.a, cfg.crop_size) == (3, 4, (256, 256))


def test_seeds_from_the_command_line_replace_those_of_the_plan(plan_of):
    assert [job.seed for job in plan_of(minimal(seeds=[0, 1]), seeds=(7,)).jobs] == [7]


def test_labels_may_be_numbers(plan_of):
    plan = plan_of('recipes: {1: tiny/tiny.py}\ngroups:\n  0.5: {}\n  2: {swap: losses=focal}\n')
    assert [(line.model, line.group) for line in plan.lines] == [('1', '0.5'), ('1', '2')]


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        (dict(recipe={}), 'unknown key "recipe"; did you mean recipes'),
        (dict(recipes={}), 'recipes: none there; list them as LABEL: …'),
        (dict(recipes=['tiny/tiny.py']), 'recipes: none there; list them as LABEL: …'),
        (dict(recipes={'A': {'swap': 'losses=focal'}}), 'recipes.A: no recipe there; give its file below'),
        (
            dict(recipes={'A': {'recipe': 'tiny/tiny.py', 'swaps': []}}),
            'recipes.A: unknown key "swaps"; did you mean swap',
        ),
        (dict(recipes={'A': 'tiny/tinny.py'}), 'tinny.py: no such config; did you mean'),
        (dict(recipes={True: 'tiny/tiny.py'}), 'recipes.True: YAML reads this label as True; put it into quotes'),
        (dict(groups={}), 'groups: none there; list them as LABEL: …'),
        (dict(groups=None), 'groups: none there; list them as LABEL: …'),
        (dict(groups={'G': 'losses=focal'}), "groups.G: 'losses=focal' is no group; write {swap: FOLDER=NAME}"),
        (dict(groups={'G': {'recipe': 'a.py'}}), 'groups.G: unknown key "recipe"; did you mean'),
        (dict(groups={'G': {'swap': 'losses=vocal'}}), 'vocal.py; did you mean'),
        (dict(groups={'G': {'swap': 'loses=focal'}}), '--swap loses=focal: the recipe has no base "loses"'),
        (dict(groups={'G': {'swap': {'losses': 'focal'}}}), 'is no FOLDER=NAME, nor a list of them'),
        (
            dict(groups={'G': {'cfg_options': {'optm.lr': 1}}}),
            '--cfg-options optm.lr: no "optm" there; did you mean optim',
        ),
        (dict(cfg_options={'train_cfg': {'max_iters': 2}}), 'cfg_options train_cfg: a group of keys; write each'),
        (
            dict(cfg_options={'+note': 'two words'}),
            "cfg_options +note: 'two words' does not survive a command line",
        ),
        (dict(cfg_options=['a=1']), "cfg_options: ['a=1'] is no list of KEY: VALUE"),
        (dict(prepare=['make']), "prepare: ['make'] is no list of KEY: VALUE"),
        (dict(seeds=[0, 1, 0]), 'seeds: 0 stands there twice'),
        (dict(seeds=[]), 'seeds: [] is no list of whole numbers'),
        (dict(seeds=3), 'seeds: 3 is no list of whole numbers'),
        (dict(seeds=[0, '1']), "seeds: '1' is no whole number from 0 on"),
        (dict(seeds=[-1]), 'seeds: -1 is no whole number from 0 on'),
        (dict(seeds=[True]), 'seeds: True is no whole number from 0 on'),
        (dict(marks='bold'), "marks: 'bold' is neither change nor best"),
        (dict(columns=['Model']), "columns: ['Model'] are not two headings"),
        (dict(columns='Model, Loss'), "columns: 'Model, Loss' are not two headings"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(plan_of, change, problem):
    (line,) = problems_of(plan_of, minimal(**change))
    assert problem in line


def test_all_mistakes_are_told_at_once(plan_of):
    lines = problems_of(plan_of, minimal(title='x', marks='bold', seeds=[1, 1], recipe=3, groups={}))
    assert len(lines) == 4
    recipes = {'A': 'tiny/tinny.py', 'B': 'tiny/tiny.py', 'C': 'tiny/tiny.py'}
    groups = {'G': {'swap': 'losses=vocal'}, 'H': {'cfg_options': {'optm.lr': 1}}}
    lines = problems_of(plan_of, dict(recipes=recipes, groups=groups))
    assert [line.rpartition(' (')[2] for line in lines] == [
        'A / G and 1 more)',
        'B / G and 1 more)',
        'B / H and 1 more)',
    ]


@pytest.mark.parametrize(
    ('text', 'place'),
    [
        ('recipes:\n  A: tiny/tiny.py\n  A: tiny/other.py\n', '.yaml:3: "A" stands here twice'),
        ('recipes: {A: tiny/tiny.py}\ngroups:\n  G: [1\n', '.yaml:4: '),
        ('recipes: {A: tiny/tiny.py}\n\tgroups: 1\n', '.yaml:2: '),
        ('- a\n- b\n', 'a plan is a list of keys with values'),
        ('', 'a plan is a list of keys with values'),
        ('a: \x00', 'no YAML text'),
    ],
)
def test_a_text_that_cannot_be_read_is_told_with_its_line(plan_of, text, place):
    with pytest.raises(UsageError) as caught:
        plan_of(text)
    assert place in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_plan_that_is_not_there(project, tmp_path):
    (tmp_path / 'losses.yaml').touch()
    with pytest.raises(UsageError, match=r'losess\.yaml: no such plan; did you mean .*losses\.yaml'):
        read_plan(tmp_path / 'losess.yaml', tmp_path / 'p')


def test_two_different_trainings_never_share_a_folder(project, tmp_path):
    other = tmp_path / 'tiny/tiny.py'
    other.parent.mkdir()
    text = project.recipe.read_text().replace('../_base_', str(project.root / 'configs/_base_'))
    other.write_text(text + '\nmodel["decode_head"]["dropout_ratio"] = 0.3\n')
    with pytest.raises(UsageError, match=r'another line trains something else in .*exp/tiny/tiny; rename'):
        plan_recipes([project.recipe, other], tmp_path / 'p')


def test_recipes_of_a_command_line(project, tmp_path):
    plan = plan_recipes(
        [project.recipe, project.recipe], tmp_path / 'p', ['losses=focal'], {'train_cfg.max_iters': 2}, (0, 1)
    )
    assert [(line.model, line.group) for line in plan.lines] == [('fast_scnn', 'tiny-focal+train_cfg.max_iters=2')]
    assert [job.folder for job in plan.jobs] == [
        tmp_path / f'p/exp/tiny/tiny-focal+train_cfg.max_iters=2/seed{seed}' for seed in (0, 1)
    ]


@pytest.mark.parametrize(
    ('recipes', 'arguments', 'problem'),
    [
        ([], {}, 'no recipe to train'),
        (['nowhere.py'], {}, 'nowhere.py: no such config'),
        (['nowhere.py'], {'seeds': (1, 1)}, 'seeds: 1 stands there twice'),
        (['nowhere.py'], {'options': {'a': 'b c'}}, "--cfg-options a: 'b c' does not survive"),
    ],
)
def test_wrong_recipes_of_a_command_line(tmp_path, recipes, arguments, problem):
    with pytest.raises(UsageError, match=problem):
        plan_recipes(recipes, tmp_path / 'p', **arguments)


def test_the_report_reads_what_is_saved(plan_of):
    plan = plan_of(ALL)
    file = save_plan(plan)
    assert file == plan.project / f'sweeps/{plan.name}.json'
    (comparison,) = read_project(plan.project).comparisons
    assert (comparison.name, comparison.title, comparison.marks) == (plan.name, plan.title, 'best')
    assert comparison.columns == plan.columns
    assert [(row.model, row.group) for row in comparison.rows] == [(line.model, line.group) for line in plan.lines]
    assert [[run.folder for run in row.runs] for row in comparison.rows] == [
        [job.folder for job in line.jobs] for line in plan.lines
    ]


def test_a_plan_saved_again_with_other_seeds_keeps_those_that_were_begun(plan_of):
    plan = plan_of(minimal(), seeds=(10, 2, 0))
    save_plan(plan)
    for job in plan.jobs[:2]:
        job.folder.mkdir(parents=True)
    file = save_plan(plan_of(minimal(), seeds=(5,)))
    (row,) = json.loads(file.read_text())['rows']
    assert [Path(run).name for run in row['runs']] == ['seed2', 'seed5', 'seed10']
