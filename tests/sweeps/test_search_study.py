"""Studies: what is proposed, what binds a study, and where it may lie."""

import optuna
import pytest
from optuna.storages import RDBStorage
from search_project import LR, SPACE, make_request
from sqlalchemy.exc import IntegrityError
from tiny_project import make_project

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.search import study as study_module
from mmseg_ext.sweeps.search.request import read_objective
from mmseg_ext.sweeps.search.sampling import NumberedTPE, make_pruner
from mmseg_ext.sweeps.search.space import Parameter
from mmseg_ext.sweeps.search.study import TERMS, open_storage, open_study, shown_storage


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


def in_memory(seed: int = 0, several: bool = False) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    directions = ['maximize', 'minimize'] if several else ['maximize']
    return optuna.create_study(sampler=NumberedTPE(seed, several), directions=directions)


def propose(study: optuna.Study) -> dict:
    """One trial of a space with a condition, told a score."""
    trial = study.ask()
    kind = trial.suggest_categorical('kind', ['a', 'b'])
    lr = trial.suggest_float('lr', 1e-4, 1, log=True)
    score = -abs(lr - 0.01) + (trial.suggest_float('gamma', 0, 5) if kind == 'a' else 0)
    study.tell(trial, [score, -score] if len(study.directions) > 1 else score)
    return study.trials[trial.number].params


def continued(study: optuna.Study, several: bool) -> optuna.Study:
    """The same study in the hands of another process."""
    return optuna.load_study(study_name=study.study_name, storage=study._storage, sampler=NumberedTPE(0, several))


@pytest.mark.parametrize('several', [False, True])
def test_one_process_or_a_new_one_for_each_trial_propose_the_same(several, recwarn):
    one, many = in_memory(several=several), in_memory(several=several)
    alone = [propose(one) for _ in range(15)]  # the first ten at random, then by the estimator
    assert [propose(continued(many, several)) for _ in range(15)] == alone
    assert len({params['lr'] for params in alone}) == 15
    assert not [each for each in recwarn if 'optuna' in str(each.filename)]


@pytest.mark.parametrize('several', [False, True])
def test_with_one_objective_parameters_are_drawn_together(several):
    """Optuna notes in the trial what was drawn together."""
    study = in_memory(several=several)
    for _ in range(12):
        propose(study)
    assert any(name.startswith('tpe:relative_params') for name in study.trials[-1].system_attrs) != several


def test_another_seed_proposes_others():
    assert propose(in_memory(0)) != propose(in_memory(1))


def test_two_processes_that_begin_together_propose_different_settings():
    study = in_memory()
    trials = [continued(study, False).ask() for _ in range(4)]
    assert len({trial.suggest_float('lr', 1e-4, 1, log=True) for trial in trials}) == 4


def test_the_estimator_finds_the_better_half():
    study = in_memory()
    late = [propose(study)['kind'] for _ in range(60)][30:]
    assert late.count('a') > 19  # of 30, where chance would give 15
    assert study.best_value > 4.9  # of 5


def test_pruners(project):
    cfg = project.config()
    kinds = {name: type(make_pruner(name, cfg)).__name__ for name in ('median', 'halving', 'patient', 'none')}
    assert kinds == {
        'median': 'MedianPruner',
        'halving': 'SuccessiveHalvingPruner',
        'patient': 'PatientPruner',
        'none': 'NopPruner',
    }


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('mIoU_fg', 'mIoU_fg:max'),
        ('FalseAlarms', 'FalseAlarms:min'),
        ('FalseAlarms:max', 'FalseAlarms:max'),
        ('overkill_rate', 'overkill_rate:min'),
        ('PES', 'PES:max'),
        ('IoU.broken:min', 'IoU.broken:min'),
    ],
)
def test_objectives(text, expected):
    assert str(read_objective(text)) == expected
    objective = read_objective(text)
    assert objective.better(2, 1) == expected.endswith('max')
    assert objective.better(1, 2) == expected.endswith('min')


@pytest.mark.parametrize('text', ['mIoU_fg:up', ':min', ''])
def test_no_objectives(text):
    with pytest.raises(UsageError, match='expected METRIC, METRIC:max or METRIC:min'):
        read_objective(text)


def test_a_new_study_begins_with_the_recipe_as_it_is(project, tmp_path):
    study = open_study(make_request(project, tmp_path))
    trial = study.ask()
    space = make_request(project, tmp_path).space
    assert space.suggest(trial) == {'swap.losses': 'dice_ce', LR: 0.02, 'train_dataloader.batch_size': 2}
    assert len(open_study(make_request(project, tmp_path)).trials) == 1


def test_a_recipe_outside_the_space_is_not_tried(project, tmp_path):
    study = open_study(make_request(project, tmp_path, space=SPACE.replace('1e-1', '1e-2')))
    assert study.trials == []


@pytest.mark.parametrize(
    ('changes', 'expected'),
    [
        (dict(objectives=(read_objective('mAcc_fg'),)), 'objectives: mIoU_fg:max there, mAcc_fg:max here'),
        (
            dict(space=SPACE.replace('[2, 4]', '[2, 8]')),
            "train_dataloader.batch_size: {'choice': [2, 4]}",
        ),
        (dict(space=SPACE + '  log_level: {choice: [INFO]}\n'), 'space: log_level: nothing there'),
        (dict(swaps=('schedules=adamw_40k',)), 'recipe: default_hooks.checkpoint.interval differs'),
        (dict(options={'randomness.seed': 7}), 'training_seed: 0 there, 7 here'),
    ],
)
def test_a_study_is_bound_to_what_it_was_begun_with(project, tmp_path, changes, expected):
    first = make_request(project, tmp_path)
    open_study(first)
    setting = {key: changes.pop(key) for key in ('swaps', 'options') if key in changes}
    other = make_request(project, tmp_path, base=first.base.changed(**setting), **changes)
    with pytest.raises(UsageError) as caught:
        open_study(other)
    head, *lines = str(caught.value).splitlines()
    assert head.startswith('the study S was begun with something else; give another --study')
    assert len(lines) == 1
    assert expected in lines[0]


def test_what_trains_the_same_may_be_said_otherwise(project, tmp_path):
    first = make_request(project, tmp_path)
    open_study(first)
    comments = '# a comment\n' + SPACE.replace('1e-4', '0.0001')
    base = first.base.changed(options={'+work_dir': 'x'})
    same = make_request(project, tmp_path, space=comments, base=base, trials=9)
    assert open_study(same).user_attrs[TERMS]['objectives'] == ['mIoU_fg:max']


def test_a_study_of_somebody_else(project, tmp_path, monkeypatch):
    monkeypatch.setattr('mmseg_ext.sweeps.search.study.WAIT', 0.0)
    request = make_request(project, tmp_path)
    optuna.create_study(study_name='S', storage=open_storage(request.storage), direction='maximize')
    with pytest.raises(UsageError, match='the study "S" is not one of this tool'):
        open_study(request)


def test_a_database_serves_as_well(project, tmp_path):
    url = f'sqlite:///{tmp_path}/study.db'
    request = make_request(project, tmp_path, storage=url)
    open_study(request)
    assert open_study(request).user_attrs[TERMS]['training_seed'] == 0
    assert not (request.folder / 'journal.log').exists()


@pytest.mark.parametrize(
    'place', ['nonsense://x/y', 'postgresql://me:secret@localhost/base', 'sqlite:////no/such/x.db']
)
def test_a_storage_that_cannot_be_opened_is_one_line_without_its_password(place):
    with pytest.raises(UsageError) as caught:
        open_storage(place)
    said = str(caught.value)
    assert said.startswith(f'--storage {shown_storage(place)}: cannot be opened (')
    assert len(said.splitlines()) == 1
    assert 'secret' not in said


def test_one_of_two_that_find_a_database_new_waits_for_the_other(tmp_path, monkeypatch):
    """The one that comes second to make the tables is told that they exist."""
    begun = []

    class LateStorage(RDBStorage):
        def __init__(self, url):
            begun.append(url)
            if len(begun) < study_module.ATTEMPTS:
                raise IntegrityError('INSERT', (), Exception('UNIQUE constraint failed'))
            super().__init__(url)

    monkeypatch.setattr(study_module, 'RDBStorage', LateStorage)
    monkeypatch.setattr(study_module, 'PAUSE', 0)
    assert isinstance(open_storage(f'sqlite:///{tmp_path}/study.db'), RDBStorage)
    assert len(begun) == study_module.ATTEMPTS


def test_parameters_of_a_study_are_readable_by_other_tools(project, tmp_path):
    """Numbers stay numbers; choices are texts, so that a dashboard can show lists and None."""
    parameter = Parameter('size', 'choice', ([64, 64], None), ('size',))
    study = in_memory()
    parameter.suggest(study.ask())
    assert study.trials[0].distributions['size'].choices == ('[64, 64]', 'None')
