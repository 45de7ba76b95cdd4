"""Check every ``type`` of a config against the registered names, so that a typing error is told with its place."""

import difflib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import mmengine.registry
import mmseg.registry
from mmengine.config import Config
from mmengine.registry import Registry

FOREIGN = ('Albu', 'Albumentation')  # the transforms in them have names of another library, checked when built


def type_problems(cfg: Config) -> list[str]:
    """One line for each name under ``type`` that nobody has registered, with what it might have meant."""
    known, places = known_names(), defaultdict(list)
    for key, name in _types(cfg.to_dict(), ''):
        if name not in known and '.' not in name:  # a dotted name is imported from where it says
            places[name].append(key)
    return [
        f'{", ".join(keys)}: no "{name}" is registered; did you mean {_closest(name, known)}?'
        for name, keys in places.items()
    ]


def _closest(name: str, known: set[str]) -> str:
    return ', '.join(difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.0))


def known_names() -> set[str]:
    """All names in the registries of mmengine, mmcv, mmseg and this project."""
    values = [*vars(mmengine.registry).values(), *vars(mmseg.registry).values()]
    registries = [value for value in values if isinstance(value, Registry)]
    for registry in registries:
        registry.import_from_location()
    return {name for registry in registries for name in registry.module_dict}


def _types(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """All (dotted key, name) of dicts with a ``type`` below ``node``."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list | tuple) else ()
    for name, value in items:
        if name == 'transforms' and node.get('type') in FOREIGN:
            continue
        place = f'{key}.{name}'.removeprefix('.')
        if name == 'type' and isinstance(value, str):
            yield place, value.rpartition('::')[2]
        else:
            yield from _types(value, place)
