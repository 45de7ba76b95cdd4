"""Arguments that several command lines take, with the same words and the same errors."""

import argparse
import re
from argparse import ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence

from mmengine.config import DictAction

_GROUP = re.compile(r"""(^|[\[(,])\s*['"]?(dict\(|\{)""")  # of keys: dict(…) or {…}, alone or in a list


class Overrides(DictAction):
    """``KEY=VALUE …`` as a dict; what cannot be read is an error of the command line, not of Python."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Sequence[str], option_string: str | None = None
    ) -> None:
        for value in values:
            key, equals, text = value.partition('=')
            if not equals:
                raise ArgumentError(None, f'{option_string} {value}: expected KEY=VALUE')
            if _GROUP.search(text):
                raise ArgumentError(None, f'{option_string} {value}: {_no_group(key)}')
            try:
                super().__call__(parser, namespace, [value], option_string)
            except (AssertionError, RecursionError) as error:  # unbalanced brackets, or some behind a word
                what = 'the brackets are no list; expected a number, a word, or a list such as'
                raise ArgumentError(None, f"{option_string} {value}: {what} '{key}=[1, 2]'") from error


def _no_group(key: str) -> str:
    key = key.removeprefix('+')
    return (
        'a group of keys cannot be given here, only numbers, words and lists of them; override its keys one by '
        f'one ({key}.type=…; in a list {key}.0.type=…; +{key}.… adds one), or write a config of two lines, '
        f'_base_ and {key} = …'
    )


def add_swap(parser: ArgumentParser) -> None:
    """``--swap FOLDER=NAME …``, once or several times: a list of strings."""
    what = 'other bases for the recipe'
    parser.add_argument('--swap', nargs='+', action='extend', default=[], metavar='FOLDER=NAME', help=what)


def add_recipe_options(parser: ArgumentParser) -> None:
    """``--swap`` and ``--cfg-options KEY=VALUE …``: what changes a recipe from outside."""
    add_swap(parser)
    parser.add_argument('--cfg-options', nargs='+', action=Overrides, default={}, metavar='KEY=VALUE')


def add_tta(parser: ArgumentParser) -> None:
    """``--tta [flip] [vflip] [scales=…]``: a list of words, None without the option."""
    what = (
        'test-time augmentation: the mean over flip, vflip, scales=0.75,1,1.25 and all combinations; alone: flip'
    )
    parser.add_argument('--tta', nargs='*', metavar='VIEW', help=what)


def positive(text: str) -> int:
    """The type of an option that takes a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value} is not a positive number')
    return value
