"""How the weights of a file differ from those of a network."""

from collections.abc import Mapping

from torch import Tensor


def weight_difference(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """In words, the first of: another shape, missing weights, weights too many; empty if they fit."""
    shapes = [name for name in expected if name in found and found[name].shape != expected[name].shape]
    if shapes:
        name = shapes[0]
        return f'{name} is {tuple(found[name].shape)} there and {tuple(expected[name].shape)} here'
    missing, extra = [n for n in expected if n not in found], [n for n in found if n not in expected]
    if missing:
        return f'{len(missing)} of {len(expected)} weights are missing, the first being {missing[0]}'
    return f'it has {len(extra)} weights more, the first being {extra[0]}' if extra else ''
