"""Spaces: what their YAML means, what of it is refused, and which values a trial is given."""

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.search.space import Parameter, Space
from mmseg_ext.sweeps.search.space_file import read_space


def read(folder, text: str) -> Space:
    file = folder / 'space_mine.yaml'
    file.write_text(text, encoding='utf-8')
    return read_space(file)


def problems(folder, text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read(folder, text)
    return [line.strip() for line in str(caught.value).splitlines()]


def test_every_kind_is_read(tmp_path):
    space = read(
        tmp_path,
        """
parameters:
  swap.losses: {choice: [focal, dice_ce]}
  optim.lr: {log: [1e-4, 3.0e-2]}
  gamma: {uniform: [0, 5], step: 0.5, keys: [a.gamma, b.*.gamma], when: {swap.losses: focal}}
  crop: {int: [64, 256], step: 32, keys: pipeline.1.size}
  weights: {choice: [null, [1, 1e-1], 1e2, true], when: {swap.losses: [focal, dice_ce]}}
""",
    )
    both = {'swap.losses': ('focal', 'dice_ce')}
    assert space.name == 'mine'
    assert space.parameters == (
        Parameter('swap.losses', 'choice', ('focal', 'dice_ce')),
        Parameter('optim.lr', 'log', (1e-4, 3e-2), ('optim.lr',)),
        Parameter('gamma', 'uniform', (0.0, 5.0), ('a.gamma', 'b.*.gamma'), 0.5, {'swap.losses': ('focal',)}),
        Parameter('crop', 'int', (64, 256), ('pipeline.1.size',), 32),
        Parameter('weights', 'choice', (None, [1, 0.1], 100.0, True), ('weights',), when=both),
    )
    assert (space['swap.losses'].folder, space['gamma'].folder) == ('losses', None)


@pytest.mark.parametrize(
    ('said', 'expected'),
    [
        ('a.lr: 3', 'a.lr: 3 says no values; write {log: [1e-4, 1e-2]}'),
        ('a.lr: {lgo: [1, 2]}', 'a.lr: unknown key "lgo"; did you mean log'),
        ('a.lr: {keys: a}', 'a.lr: says no values; give it one of uniform, log, int, choice'),
        ('a.lr: {log: [1, 2], int: [1, 2]}', 'a.lr: says log, int; give it one of'),
        ('a.lr: {log: [0, 1]}', 'a.lr: log: 0 has no logarithm; begin above 0'),
        ('a.lr: {uniform: [2, 1]}', 'a.lr: uniform: 2 is not below 1'),
        ('a.lr: {uniform: [1, 1]}', 'a.lr: uniform: 1 is not below 1'),
        ('a.lr: {uniform: 3}', 'a.lr: uniform: 3 are not two numbers [lowest, highest]'),
        ('a.lr: {uniform: [1, x]}', "a.lr: uniform: [1, 'x'] are not two numbers"),
        ('a.n: {int: [1, 2.5]}', 'a.n: int: [1, 2.5] are not two whole numbers'),
        ('a.n: {int: [1, true]}', 'a.n: int: [1, True] are not two whole numbers'),
        ('a.n: {int: [1, 9], step: 0.5}', 'a.n: step: 0.5 is no whole number above 0'),
        ('a.n: {uniform: [1, 9], step: -1}', 'a.n: step: -1 is no number above 0'),
        ('a.lr: {log: [1, 9], step: 1}', 'a.lr: step: log has none, only uniform, int have'),
        ('a.x: {choice: []}', 'a.x: choice: [] is no list of values'),
        ('a.x: {choice: [4, 4]}', 'a.x: choice: 4 stands there twice'),
        ('a.x: {choice: ["4", 4]}', 'a.x: choice: 4 stands there twice'),
        ('a.x: {choice: [{b: 1}]}', 'a.x: choice: a group of keys'),
        ('a.x: {choice: ["two words"]}', "a.x: choice: 'two words' does not survive a command line"),
        ('swap.losses: {choice: [a], keys: b}', 'swap.losses: a swap sets no keys'),
        ('a.x: {choice: [1], keys: []}', 'a.x: keys: [] is no list of config keys'),
        ('a.x: {choice: [1], when: {b: 1}}', 'a.x: when: no parameter "b" further up'),
        ('a.x: {choice: [1], when: b}', "a.x: when: 'b' is no PARAMETER: VALUE"),
        ('{b: {log: [1, 2]}, a: {choice: [1], when: {b: 1}}}', 'a: when: b is no choice'),
        ('{b: {choice: [x, y]}, a: {choice: [1], when: {b: z}}}', "a: when: b is never 'z'; did you mean x, y?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, said, expected):
    said = said if said.startswith('{') else f'{{{said}}}'
    (line,) = problems(tmp_path, f'parameters: {said}')
    assert expected in line
    assert line.startswith(f'{tmp_path}/space_mine.yaml: ')


def test_everything_wrong_is_told_at_once(tmp_path):
    text = 'parameters: {a: {log: [0, 1]}, b: {int: [1, 0]}, c: {choice: [1], when: {b: 1}}}\ntrials: 3'
    lines = problems(tmp_path, text)
    assert len(lines) == 3
    assert 'unknown key "trials"' in lines[0]


@pytest.mark.parametrize('text', ['', '- a', 'parameters: {}', 'parameters: 3', 'a: b'])
def test_no_parameters(tmp_path, text):
    (line,) = problems(tmp_path, text)
    assert 'below "parameters:"' in line


def test_a_parameter_twice(tmp_path):
    (line,) = problems(tmp_path, 'parameters:\n  a: {log: [1, 2]}\n  a: {log: [1, 3]}\n')
    assert ':3: "a" stands here twice' in line


def test_no_such_file(tmp_path):
    read(tmp_path, 'parameters: {a: {log: [1, 2]}}')
    with pytest.raises(UsageError, match=r'space_mien.yaml: no such space; did you mean .*space_mine.yaml'):
        read_space(tmp_path / 'space_mien.yaml')


def test_a_parameter_without_its_condition_plays_no_part(tmp_path):
    space = read(
        tmp_path,
        'parameters: {a: {choice: [x, y]}, b: {choice: [1, 2], when: {a: x}}, c: {uniform: [0, 1], when: {b: 2}}}',
    )
    given_values = {'a': 'x', 'b': 2, 'c': 0.5}
    assert space.draw(lambda each: given_values[each.name]) == given_values
    assert space.draw(lambda each: {**given_values, 'b': 1}[each.name]) == {'a': 'x', 'b': 1}
    assert space.draw(lambda each: {**given_values, 'a': 'y'}[each.name]) == {'a': 'y'}


def test_none_is_a_value_and_not_a_missing_one():
    parameter = Parameter('p', 'log', (1.0, 2.0), ('p',), when={'a': (None,)})
    assert parameter.active({'a': None})
    assert not parameter.active({})


def test_choices_come_back_as_they_were(tmp_path):
    space = read(tmp_path, 'parameters: {a: {choice: [null, [1, [2, 3]], 4, 0.5, true, word]}}')
    (parameter,) = space.parameters
    for value in parameter.values:
        trial = optuna.trial.FixedTrial({'a': parameter.label(value)})
        assert space.suggest(trial) == {'a': value}
        assert type(space.suggest(trial)['a']) is type(value)


@given(st.integers(0, 2**31), st.sampled_from(['uniform', 'log', 'int']), st.booleans())
def test_suggestions_lie_in_their_space(seed, kind, stepped):
    ends, step = {'uniform': (-1.0, 2.0), 'log': (1e-5, 1e-1), 'int': (3, 30)}[kind], None
    if stepped and kind != 'log':
        step = {'uniform': 0.25, 'int': 3}[kind]
    parameter = Parameter('p', kind, ends, ('p',), step)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed))
    value = parameter.suggest(study.ask())
    assert parameter.holds(value)
    assert isinstance(value, int) == (kind == 'int')
    assert study.trials[0].distributions['p'] == (
        optuna.distributions.IntDistribution(*ends, step=step or 1)
        if kind == 'int'
        else optuna.distributions.FloatDistribution(*ends, log=kind == 'log', step=step)
    )


def test_what_a_parameter_may_be():
    number = Parameter('p', 'log', (0.1, 10.0), ('p',))
    assert all(map(number.holds, (0.1, 1, 10.0)))
    assert not any(map(number.holds, (0.09, 11, '1', None, True, [1])))
    whole = Parameter('p', 'int', (2, 8), ('p',), 2)
    assert [value for value in range(10) if whole.holds(value)] == [2, 4, 6, 8]
    assert not whole.holds(4.0)
    choice = Parameter('p', 'choice', ([1, 2], 'a', None), ('p',))
    assert all(map(choice.holds, ([1, 2], 'a', None)))
    assert not any(map(choice.holds, ('b', [1], 0)))
