"""Arguments that several command lines take, with the same words and the same errors."""

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from mmengine.config import DictAction


class Overrides(DictAction):
    """``KEY=VALUE …`` as a dict; a word without ``=`` is an error of the command line, not of Python."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Sequence[str], option_string: str | None = None
    ) -> None:
        for value in values:
            if '=' not in value:
                parser.error(f'{option_string} {value}: expected KEY=VALUE')
        super().__call__(parser, namespace, values, option_string)


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
