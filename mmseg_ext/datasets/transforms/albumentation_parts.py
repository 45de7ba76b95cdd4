"""Transforms of albumentations from a config, where whatever the library would pass over is an error."""

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import albumentations
import cv2
from albumentations.core.composition import BaseCompose, Compose
from albumentations.core.transforms_interface import BasicTransform

__all__ = ['Compose', 'available', 'build', 'given_fills']
BASES = ('albumentations.core.transforms_interface', 'albumentations.pytorch')  # nothing to be used by itself
NOT_PARTS = ('BaseCompose', 'Compose', 'ReplayCompose')  # the adapter is the outermost one
FILLS = ('fill_mask', 'mask_drop_value')


def available() -> dict[str, type]:
    """Name → class of every transform and every choice between transforms (OneOf, SomeOf, Sequential …)."""
    classes = {name: part for name, part in vars(albumentations).items() if inspect.isclass(part)}
    return {
        name: part
        for name, part in classes.items()
        if issubclass(part, BasicTransform | BaseCompose) and name not in NOT_PARTS
        if name == 'NoOp' or not part.__module__.startswith(BASES)
    }


def build(config: Mapping[str, Any], ignore_index: int, place: str = '') -> BasicTransform | BaseCompose:
    """The transform that ``dict(type=…, **arguments)`` says, with all transforms inside it.

    Masks that are moved are filled with ``ignore_index`` unless the config has a ``fill_mask``. Raises ValueError
    with ``place`` for names, arguments and values that the library does not know, would ignore or replace.
    """
    if not isinstance(config, Mapping) or 'type' not in config:
        raise ValueError(f'{place}: a transform is dict(type=…, …), got {config!r}')
    arguments = {key: value for key, value in config.items() if key != 'type'}
    name = config['type']
    place = f'{place}.{name}'.removeprefix('.')
    cls = _known(name, available(), f'{place}: albumentations {albumentations.__version__} has no transform')
    parameters = inspect.signature(cls).parameters
    for key in arguments:
        _known(key, parameters, f'{place}: no argument')
    if arguments.get('mask_interpolation', cv2.INTER_NEAREST) != cv2.INTER_NEAREST:
        raise ValueError(
            f'{place}: mask_interpolation={arguments["mask_interpolation"]} would mix class indices; leave it '
            'out, masks go to the nearest pixel'
        )
    if not 0 <= arguments.get('p', 1) <= 1:
        raise ValueError(f'{place}: p={arguments["p"]} is no probability, 0..1')
    fill = parameters.get('fill_mask')
    if fill is not None and fill.default is not None:  # by None, a transform leaves the mask as it is
        arguments.setdefault('fill_mask', ignore_index)
    arguments = {key: _with_parts(value, ignore_index, place) for key, value in arguments.items()}
    return _construct(cls, arguments, place)


def given_fills(config: Any) -> set[int]:
    """All values that a config writes into masks on purpose."""
    if isinstance(config, Mapping):
        own = {int(config[key]) for key in FILLS if isinstance(config.get(key), int | float)}
        return own.union(*map(given_fills, config.values()))
    return set().union(*map(given_fills, config)) if isinstance(config, list | tuple) else set()


def _known(name: Any, names: Mapping[str, Any], complaint: str) -> Any:
    """The entry of that name; ValueError with the nearest names otherwise."""
    if name in names:
        return names[name]
    near = difflib.get_close_matches(str(name), list(names), n=3, cutoff=0.0)
    raise ValueError(f'{complaint} "{name}"; did you mean {", ".join(near)}?')


def _with_parts(value: Any, ignore_index: int, place: str) -> Any:
    """An argument with the configs in it built: the parts of OneOf and its like."""
    if isinstance(value, Mapping) and 'type' in value:
        return build(value, ignore_index, place)
    if isinstance(value, Iterable) and any(isinstance(part, Mapping) and 'type' in part for part in value):
        return [build(part, ignore_index, place) for part in value]
    return value


def _construct(cls: type, arguments: dict[str, Any], place: str) -> BasicTransform | BaseCompose:
    """An instance; ValueError in one line where the library refuses, or would warn and take other values."""
    checked = cls.__init__.__name__ == 'custom_init'  # the few others check nothing and replace nothing
    strict = {'strict': True} if checked else {}
    try:
        return cls(**arguments, **strict)
    except (ValueError, TypeError, AttributeError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(f'{place}({_said(arguments)}): {reason}') from error


def _said(arguments: dict[str, Any]) -> str:
    return ', '.join(f'{key}={value!r}' for key, value in arguments.items())
