"""Spaces on recipes: what a trial trains, and what is refused before the first one."""

import pytest
from search_project import LR, SPACE, make_request
from tiny_project import make_project

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.search.fitting import applied, check_space, expanded, present_values
from mmseg_ext.sweeps.search.setting import Setting

GAMMA = [f'model.{head}.loss_decode.gamma' for head in ('decode_head', 'auxiliary_head.0', 'auxiliary_head.1')]


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


@pytest.fixture
def request_of(project, tmp_path):
    """The request whose space has these lines below ``parameters:``."""
    return lambda *lines: make_request(project, tmp_path, space='\n  '.join(['parameters:', *lines]))


def refusal(request, **changes) -> str:
    with pytest.raises(UsageError) as caught:
        check_space(request.space, request.base.changed(**changes))
    return str(caught.value)


def test_values_become_swaps_and_options(project, tmp_path):
    request = make_request(project, tmp_path)
    values = {'swap.losses': 'focal', LR: 1e-5, 'gamma': 3.0, 'train_dataloader.batch_size': 4}
    setting, cfg = applied(request.space, values, request.base.changed(('datasets=mine',), {'log_level': 'INFO'}))
    assert setting.swaps == ('datasets=mine', 'losses=focal')
    assert setting.options == {
        'log_level': 'INFO',
        LR: 1e-5,
        **dict.fromkeys(GAMMA, 3.0),
        'train_dataloader.batch_size': 4,
    }
    assert cfg.optim_wrapper.optimizer.lr == 1e-5
    losses = [head.loss_decode for head in (cfg.model.decode_head, *cfg.model.auxiliary_head)]
    assert [(loss.type, loss.gamma) for loss in losses] == [('SoftmaxFocalLoss', 3.0)] * 3
    assert cfg.to_dict() == setting.config().to_dict()


def test_a_job_trains_the_setting_and_leaves_the_test_split_alone(project, tmp_path):
    setting = Setting(project.recipe, ('losses=focal',), {LR: 1e-05})
    words = setting.job(tmp_path / 'trial0').command()
    assert words[-5:] == ['--swap', 'losses=focal', '--cfg-options', f'{LR}=1e-05', '--no-test']
    assert setting.command() == (
        f'python tools/train.py {project.recipe} --swap losses=focal --cfg-options {LR}=1e-05'
    )


@pytest.mark.parametrize(
    ('key', 'found'),
    [
        ('a.b', ['a.b']),
        ('*', ['list', 'group', 'one']),
        ('list.*', ['list.0', 'list.1']),
        ('list.*.x', ['list.0.x', 'list.1.x']),
        ('group.*.y.*', ['group.p.y.0', 'group.q.y.0', 'group.q.y.1']),
        ('one.*', []),
        ('nothing.*.x', []),
        ('none.*', []),
    ],
)
def test_a_star_stands_for_every_entry(key, found):
    node = {'list': [{'x': 1}, {}], 'group': {'p': {'y': [1]}, 'q': {'y': [1, 2]}}, 'one': None}
    assert expanded(node, key) == found


def test_a_sound_space_passes(request_of, project, tmp_path):
    check_space(make_request(project, tmp_path).space, Setting(project.recipe))
    weight = 'model.decode_head.loss_decode.0.loss_weight'
    unused = request_of(f'a: {{uniform: [0, 1], keys: [model.some_heads.*.dropout, {weight}]}}')
    check_space(unused.space, unused.base)


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('optim_wrapper.optimizer.rl: {log: [1e-4, 1]}', 'no "rl" there; did you mean lr'),
        ('swap.losses: {choice: [focal, fokal]}', 'losses=fokal: no '),
        ('swap.loss: {choice: [focal]}', 'the recipe has no base "loss"'),
        ('crop_size: {choice: [[64, 64]]}', 'the recipe copied "crop_size"'),
        ('a: {log: [1, 2], keys: model.auxilary_head.*.loss_decode}', 'no "auxilary_head" there; did you mean'),
        ('a: {log: [1, 2], keys: model.auxiliary_head.*.loss_weight}', 'no "loss_weight" there'),
        ('train_dataloader.batch_size: {choice: [2, word]}', "'word' is no number"),
        (f'a: {{log: [1, 2], keys: [{LR}, {LR}]}}', f'another parameter sets {LR} too'),
    ],
)
def test_what_does_not_fit_is_told(request_of, line, expected):
    assert expected in refusal(request_of(line))


def test_a_key_that_some_choices_lack_is_told_with_the_choice(request_of):
    losses = 'swap.losses: {choice: [dice_ce, focal]}'
    keys = f'[{", ".join(GAMMA)}]'
    said = refusal(request_of(losses, f'gamma: {{uniform: [1, 2], keys: {keys}}}'))
    assert 'swap.losses=dice_ce' in said
    assert 'swap.losses=focal;' not in said
    assert '"when:"' in said
    assert len(said.splitlines()) == 3  # one a key
    sound = request_of(losses, f'gamma: {{uniform: [1, 2], keys: {keys}, when: {{swap.losses: focal}}}}')
    check_space(sound.space, sound.base)


def test_choices_further_down_are_tried_too(request_of):
    """The last value of a plain choice, in the last of the combinations that matter."""
    said = refusal(
        request_of(
            'mode: {choice: [a, b, c], keys: log_level}',
            'train_dataloader.batch_size: {choice: [1, 2, 3, 4, 5, 6, 7, x], when: {mode: [a, b, c]}}',
        )
    )
    assert "'x' is no number" in said


def test_choices_that_others_depend_on_are_tried_in_every_combination(request_of):
    """The bad key plays a part under the second of the one and the first of the other."""
    said = refusal(
        request_of(
            'a: {choice: [x, y], keys: log_level}',
            'b: {choice: [true, false], keys: log_processor.by_epoch}',
            'c: {log: [1, 2], keys: no_such_key, when: {a: y, b: true}}',
        )
    )
    assert 'no "no_such_key" there' in said


def test_command_line_and_space_must_not_both_decide(request_of):
    request = request_of('swap.losses: {choice: [focal]}', f'lr: {{log: [1e-4, 1], keys: {LR}}}')
    said = refusal(request, swaps=('losses=dice_ce', 'datasets=mine'), options={f'+{LR}': 1.0})
    assert said.splitlines()[0].startswith('--swap losses: the space searches over swap.losses')
    assert said.splitlines()[1].strip().startswith(f'--cfg-options {LR}: the space searches over lr')
    assert len(said.splitlines()) == 2


def test_two_parameters_with_one_key(request_of):
    said = refusal(request_of(f'{LR}: {{log: [1e-4, 1]}}', f'b: {{log: [1e-4, 1], keys: {LR}}}'))
    assert f'b: another parameter sets {LR} too' in said


def test_many_combinations_are_sampled(request_of, monkeypatch):
    monkeypatch.setattr('mmseg_ext.sweeps.search.fitting.MOST', 3)
    tried = []
    monkeypatch.setattr(
        'mmseg_ext.sweeps.search.fitting._applied',
        lambda space, values, base: tried.append(values) or (base, None, []),
    )
    request = request_of('swap.a: {choice: [1, 2]}', 'swap.b: {choice: [1, 2]}', 'swap.c: {choice: [1, 2]}')
    check_space(request.space, request.base)
    assert 1 <= len(tried) <= 3
    monkeypatch.setattr('mmseg_ext.sweeps.search.fitting.MOST', 8)
    tried.clear()
    check_space(request.space, request.base)
    assert len(tried) == 8


def test_what_the_recipe_has_itself(request_of, project, tmp_path):
    request = make_request(project, tmp_path, space=SPACE + '  train_cfg.max_iters: {int: [10, 20]}\n')
    own = {'swap.losses': 'dice_ce', LR: 0.02, 'train_dataloader.batch_size': 2, 'train_cfg.max_iters': 6}
    assert present_values(request.space, request.base) == own
    swapped = present_values(request.space, request.base.changed(('losses=focal',)))
    assert swapped == {**own, 'swap.losses': 'focal', 'gamma': 2.0}
    sized = request_of('model.data_preprocessor.size: {choice: [[64, 64], [32, 32]]}')
    assert present_values(sized.space, sized.base) == {'model.data_preprocessor.size': [64, 64]}
