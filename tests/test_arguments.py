"""--cfg-options on a command line: what it reads, and the one line with which it refuses the rest."""

from argparse import ArgumentParser

import pytest

from mmseg_ext.arguments import add_recipe_options


def read(*options: str) -> dict:
    parser = ArgumentParser('tool')
    add_recipe_options(parser)
    return parser.parse_args(['--cfg-options', *options]).cfg_options


def test_numbers_words_and_lists_are_read():
    options = [
        'a=1',
        'b.c=[1, 2.5]',
        'd=(x,y)',
        'e=None',
        '+f=True',
        'g=/data/set(1)/{}_dict.png',
        'h=1,2',
        'i=a=b',
    ]
    assert read(*options) == {
        'a': 1,
        'b.c': [1, 2.5],
        'd': ('x', 'y'),
        'e': None,
        '+f': True,
        'g': '/data/set(1)/{}_dict.png',
        'h': [1, 2],
        'i': 'a=b',
    }


def test_several_times_adds_up():
    assert read('a=1', '--cfg-options', 'b=2') == {'a': 1, 'b': 2}


@pytest.mark.parametrize(
    ('option', 'said'),
    [
        ('a', 'a: expected KEY=VALUE'),
        (
            "val_evaluator=[dict(type='A',b=1)]",
            'one by one (val_evaluator.type=…; in a list val_evaluator.0.type=…;',
        ),
        ("val_evaluator=[dict(type='A')]", 'a group of keys cannot be given here'),
        ('+x=dict(type="A")', 'or write a config of two lines, _base_ and x = …'),
        ("x=[a,{'b': 1}]", 'a group of keys cannot be given here'),
        ('x=[a,', "the brackets are no list; expected a number, a word, or a list such as 'x=[1, 2]'"),
        ('x=(1,[2)', 'the brackets are no list'),
        ('x=f(1,2)', 'the brackets are no list'),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_cure(option, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        read('ok=1', option)
    assert stopped.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f'tool: error: --cfg-options {option}: ')
    assert said in error
