"""Options of a plan reach the process of a run as the values they are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmseg_ext.engine.cli import training_parser
from mmseg_ext.sweeps.jobs import Job
from mmseg_ext.sweeps.plans.options import merged, merged_swaps, received

NUMBERS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False)
NAMES = st.from_regex(r'[A-Za-z_][\w./-]*', fullmatch=True)
PLAIN = st.recursive(NUMBERS, lambda each: st.lists(each) | st.lists(each).map(tuple), max_leaves=6)
ANYTHING = st.recursive(
    NUMBERS | st.text(), lambda each: st.lists(each) | st.dictionaries(st.text(), each), max_leaves=4
)


def in_the_process(options: dict) -> dict:
    """The options of a job as its process parses them."""
    job = Job(Path('a.py'), Path('b'), ('losses=focal',), options, seed=3, test=False)
    words = job.command()
    words.remove('--no-test')  # the worker's own
    args = training_parser('').parse_args(words[3:])
    assert (args.config, args.work_dir, args.swap, args.seed) == (job.recipe, job.folder, ['losses=focal'], 3)
    return args.cfg_options


@pytest.mark.parametrize(
    'value',
    [
        0.001,
        1e-05,
        3,
        -2.5,
        float('inf'),
        float('nan'),
        True,
        False,
        None,
        'poly',
        'a/b.pth',
        'x=y',
        [0.1, 0.3, 0.6],
        [0.5],
        [],
        (0.9, 0.999),
        (1,),
        [[1, 2], [3]],
        ['a', 'b'],
        [None, True, 'c'],
    ],
)
def test_a_value_arrives_as_it_is(value):
    kept, problems = received({'a.b': value})
    assert problems == []
    assert repr(kept) == repr({'a.b': value}) == repr(in_the_process(kept))


@pytest.mark.parametrize(('text', 'value'), [('1e-3', 0.001), ('None', None), ('true', True), ('7', 7)])
def test_a_text_that_spells_a_value_is_that_value(text, value):
    kept, problems = received({'a': text})
    assert problems == []
    assert repr(kept['a']) == repr(value) == repr(in_the_process(kept)['a'])


@pytest.mark.parametrize(
    'value', ['two words', 'a,b', ',', '[a,', '(1)', "it's'", {'a': 1}, ['a b'], ['1'], [{'a': 1}]]
)
def test_what_would_arrive_as_something_else_is_refused(value):
    kept, (problem,) = received({'key': value, 'other': 1})
    assert kept == {'other': 1}
    assert problem.startswith('key: ')


@pytest.mark.parametrize('key', ['-x', '--seed', 'a=b'])
def test_a_key_that_is_none_is_refused(key):
    kept, problems = received({key: 1})
    assert kept == {}
    assert len(problems) == 1


@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=4))
def test_numbers_and_lists_of_them_always_arrive(options):
    kept, problems = received(options)
    assert problems == []
    assert repr(kept) == repr(options) == repr(in_the_process(kept))


@given(st.dictionaries(st.text(max_size=5), ANYTHING, max_size=3))
def test_whatever_is_accepted_arrives(options):
    kept, problems = received(options)
    assert len(kept) + len(problems) == len(options)
    assert repr(in_the_process(kept)) == repr(kept)


def test_of_equal_keys_the_last_counts():
    assert merged({'a': 1, '+b': 2, 'c': 3}, {'b': 4}, {'+a': 5}) == {'c': 3, 'b': 4, '+a': 5}
    assert merged_swaps(['losses=a', 'datasets=b', 'losses=c']) == ('losses=c', 'datasets=b')
