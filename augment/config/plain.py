"""Settings as plain dicts: read from a table, written to JSON, hashed, and compared."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, get_args, get_type_hints

from augment.config.settings import EditSettings
from augment.errors import UsageError


def settings_of(table: Mapping[str, Any], where: str = 'settings') -> EditSettings:
    """The settings that a nested table describes; what it leaves out is the default.

    Raises UsageError that begins with ``where`` for an unknown key (and names the near one), a value of the wrong
    type, or one out of its range.
    """
    try:
        return _read(EditSettings, table, '')
    except UsageError as error:
        raise UsageError(f'{where}: {error}') from error


def settings_dict(settings: EditSettings) -> dict[str, Any]:
    """All settings as a nested dict that JSON can hold; a number always as the type that its field has."""
    return _plain(_read(EditSettings, asdict(settings), ''))


def settings_hash(settings: EditSettings) -> str:
    """16 hexadecimal digits that are the same exactly where all settings are."""
    text = json.dumps(settings_dict(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two nested dicts, a line ``key: old -> new`` each, sorted by key."""
    old, new = flat(before), flat(after)
    changed = [key for key in sorted({*old, *new}) if old.get(key, '-') != new.get(key, '-')]
    return [f'{key}: {old.get(key, "-")} -> {new.get(key, "-")}' for key in changed]


def flat(table: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """``{'a': {'b': 1}}`` as ``{'a.b': 1}``."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f'{prefix}{key}.') if isinstance(value, Mapping) else {f'{prefix}{key}': value}
    return found


def overridden(settings: EditSettings, values: Mapping[str, Any]) -> EditSettings:
    """A copy with ``{'control.equalizer': 1.5}`` put in. Raises UsageError as ``settings_of`` does."""
    table = settings_dict(settings)
    for path, value in values.items():
        *sections, key = path.split('.')
        inner = table
        for section in sections:
            inner = inner[section]
        inner[key] = value
    return _read(EditSettings, table, '')


def _read(kind: type, table: Mapping[str, Any], prefix: str) -> Any:
    hints = get_type_hints(kind)
    for key in table:
        _check_known(key, [each.name for each in fields(kind)], prefix)
    return kind(**{key: _value(hints[key], value, f'{prefix}{key}') for key, value in table.items()})


def _check_known(key: str, names: list[str], prefix: str) -> None:
    if key not in names:
        near = difflib.get_close_matches(key, names, n=1)
        hint = f'did you mean {prefix}{near[0]}?' if near else f'known are {", ".join(names)}'
        raise UsageError(f'unknown setting {prefix}{key}; {hint}')


def _value(hint: Any, value: Any, name: str) -> Any:
    """``value`` as the type of its field: a whole number is a float too, and a list a tuple."""
    if is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise UsageError(f'{name}: {value!r} is no table; write [{name}] and its keys below')
        return _read(hint, value, f'{name}.')
    kinds = (tuple,) if str(hint).startswith('tuple') else get_args(hint) or (hint,)
    if tuple in kinds and isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) not in kinds:
        raise UsageError(f'{name}: {value!r} is no {" or ".join(_spoken(kind) for kind in kinds)}')
    return value


def _spoken(kind: type) -> str:
    names = {float: 'number', int: 'whole number', str: 'text', bool: 'true or false', tuple: 'list of texts'}
    return names.get(kind, 'None')


def _plain(value: Any) -> Any:
    """Dataclasses as dicts, tuples as lists."""
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return [*value] if isinstance(value, tuple) else value
