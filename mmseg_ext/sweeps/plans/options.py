"""Values of config keys on their way through a command line to the process of a run."""

from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterable
from typing import Any

from mmseg_ext.arguments import add_recipe_options


def words(options: dict[str, Any]) -> list[str]:
    """``KEY=VALUE`` for every option, as ``--cfg-options`` takes them."""
    return [f'{key}={value}' for key, value in options.items()]


def received(options: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The options as a process gets them that is started with them, and what is wrong with the others.

    A command line knows texts only: ``'1e-3'``, which YAML takes for a text, becomes a number, ``'None'`` becomes
    None. A value that would arrive as anything else than it is, such as a text with spaces, is refused.
    """
    arrived, problems = {}, []
    for key, value in options.items():
        got = _parsed(key, value)
        if key in got and (repr(got[key]) == repr(value) or _is_plain(value, got[key])):
            arrived[key] = got[key]
        else:
            problems.append(f'{key}: {_refusal(value)}')
    return arrived, problems


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    """One dict of several; of equal keys the last one counts, a ``+`` before a key making no difference."""
    kept = {}
    for key, value in (item for part in parts for item in part.items()):
        kept = {other: old for other, old in kept.items() if other.lstrip('+') != key.lstrip('+')}
        kept[key] = value
    return kept


def merged_swaps(swaps: Iterable[str]) -> tuple[str, ...]:
    """Swaps without those whose folder a later one swaps again."""
    return tuple({swap.partition('=')[0]: swap for swap in swaps}.values())


def _parsed(key: str, value: Any) -> dict[str, Any]:
    """What the option becomes on the other side; empty when it cannot be said at all."""
    parser = ArgumentParser(exit_on_error=False)
    add_recipe_options(parser)
    try:
        return (
            {} if key.startswith('-') else parser.parse_args(['--cfg-options', *words({key: value})]).cfg_options
        )
    except ArgumentError:
        return {}


def _is_plain(value: Any, got: Any) -> bool:
    """Whether a text became the number, truth value or None that it spells."""
    return isinstance(value, str) and not isinstance(got, str | list | tuple)


def _refusal(value: Any) -> str:
    if isinstance(value, dict):
        return 'a group of keys; write each of them with dots, as a.b.c: VALUE'
    return f'{value!r} does not survive a command line; put it into a base under configs/_base_ and swap that'
