"""What test-time augmentation gains and costs, as plain text."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from mmseg_ext.score_names import is_of_class, rounded


def format_gain(plain: Mapping[str, Any], augmented: Mapping[str, Any]) -> str:
    """A line for each score that is not of one class, and one for the time, of two contents of ``result.json``.

    The gain is the difference; whether more is better depends on the score. The time is that of the network alone,
    and its last column the ratio.
    """
    lines = [f'test-time augmentation: {augmented["tta"]}', _row('', 'plain', 'augmented', 'gain')]
    lines += _scores(plain['scores'], augmented['scores'])
    cost = augmented['network_seconds']
    shown = f'{cost["plain"]:.4f}', f'{cost["augmented"]:.4f}', f'x {cost["ratio"]:.2f}'
    return '\n'.join([*lines, _row('seconds an image', *shown)])


def _scores(plain: Mapping[str, float | None], augmented: Mapping[str, float | None]) -> Iterator[str]:
    for name in (name for name in plain if not is_of_class(name) and name in augmented):
        before, after = (math.nan if value is None else value for value in (plain[name], augmented[name]))
        yield _row(name, _shown(name, before), _shown(name, after), _shown(name, after - before, sign='+'))


def _shown(name: str, value: float, sign: str = '') -> str:
    if math.isnan(value):
        return '–'
    ahead = sign if value >= 0 else ''
    return ahead + rounded(name, value)


def _row(name: str, *values: str) -> str:
    return f'  {name:<30}' + ''.join(f'{value:>12}' for value in values)
