"""How the values of a label are called in the files of annotators' tools."""

from collections.abc import Sequence

IGNORED = 255  # pixels that are not scored
IGNORED_NAME = '__ignore__'  # what labelme calls them


def name_of(value: int, classes: Sequence[str]) -> str:
    """The name of a value of a label."""
    return IGNORED_NAME if value == IGNORED else classes[value]


def values_by_name(classes: Sequence[str]) -> dict[str, int]:
    """The value of every name that may occur in a file."""
    return {name: index for index, name in enumerate(classes)} | {IGNORED_NAME: IGNORED}
