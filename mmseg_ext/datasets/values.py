"""From the values of a mask to the likely mistake, in words."""

from collections.abc import Sequence

import numpy as np

from mmseg_ext.datasets.problems import Problem

SOFT_EDGE_VALUES = 32  # so many values outside the classes are no class list but grey levels


def value_problem(
    path: str, histogram: np.ndarray, overall: np.ndarray, classes: Sequence[str], ignore_index: int = 255
) -> Problem | None:
    """The problem of one mask's values, or None.

    ``histogram`` and ``overall``, both (256,), count the values of this mask and of all masks of its split: what a
    single mask cannot tell, such as whether 255 means "ignore" or "defect", its split can.
    """
    last = len(classes) - 1
    values, used = (set(np.flatnonzero(counts).tolist()) - {ignore_index} for counts in (histogram, overall))
    if _is_0_255(histogram, used, ignore_index):
        return Problem(
            path, 'values 0 and 255 only, a 0/255 mask', f'write class indices 0..{last}: 255 becomes 1'
        )
    foreign = sorted(value for value in values if value > last)
    if not foreign:
        return None
    what = f'{_listing(foreign)}, but the {last + 1} classes are 0..{last}'
    return Problem(path, what, _cure(foreign, values, used, last))


def _is_0_255(histogram: np.ndarray, used: set[int], ignore_index: int) -> bool:
    """Nothing but 0 and 255 here, and nothing between them in the whole split."""
    only_two = histogram[255] and histogram[0] and histogram[0] + histogram[255] == histogram.sum()
    return bool(only_two and not used - {0, 255, ignore_index})


def _cure(foreign: list[int], values: set[int], used: set[int], last: int) -> str:
    if foreign == [last + 1] and 0 not in used:
        return f'the classes seem to be counted from 1: subtract 1 to get 0..{last}'
    steps = [step * 255 / max(last, 1) for step in range(last + 1)]
    if values <= {rounded for step in steps for rounded in (int(step), round(step))}:
        return f'the classes are spread over 0..255 as grey levels: write the indices 0..{last}'
    if len(foreign) >= SOFT_EDGE_VALUES:
        return 'grey levels from soft edges, resizing or lossy saving: export again with nearest neighbour, as PNG'
    return 'add the class to `classes` and `num_classes`, or write 255 (ignore) there'


def _listing(values: list[int]) -> str:
    if len(values) == 1:
        return f'value {values[0]}'
    return 'values ' + ', '.join(map(str, values[:5])) + (f' … {values[-1]}' if len(values) > 5 else '')
