"""Read the YAML file of a space, with every mistake in it told at once."""

import re
from pathlib import Path
from typing import Any

from mmseg_ext.errors import UsageError, listed, near
from mmseg_ext.sweeps.plans.options import received
from mmseg_ext.sweeps.plans.yaml_file import read_yaml
from mmseg_ext.sweeps.search.space import KINDS, RANGES, SWAP, Parameter, Space

EXTRAS = ('keys', 'step', 'when')
STEPPED = ('uniform', 'int')
# YAML 1.1 knows 1.0e-4 as a number and takes 1e-4 for a text.
SCIENTIFIC = re.compile(r'[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+')


def read_space(path: str | Path) -> Space:
    """The space in a YAML file; UsageError with a line for each thing that is wrong with it."""
    path = Path(path)
    content = _load(path)
    reader = _Reader()
    parameters = reader.parameters(content)
    if reader.problems:
        raise UsageError(listed(f'{path}: {problem}' for problem in reader.problems))
    return Space(path.stem.removeprefix('space_'), parameters, content['parameters'])


def _load(path: Path) -> dict[str, Any]:
    layout = 'a space lists what varies below "parameters:", as KEY: {log: [1e-4, 1e-2]}'
    content = read_yaml(path, 'space', layout)
    if not isinstance(content.get('parameters'), dict) or not content['parameters']:
        raise UsageError(f'{path}: {layout}')
    return _numbers(content)


def _numbers(node: Any) -> Any:
    """A copy in which texts such as ``1e-4`` are the numbers they spell."""
    if isinstance(node, dict):
        return {key: _numbers(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_numbers(value) for value in node]
    return float(node) if isinstance(node, str) and SCIENTIFIC.fullmatch(node) else node


class _Reader:
    """Turns the content of a file into parameters and collects what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def parameters(self, content: dict[str, Any]) -> tuple[Parameter, ...]:
        self.problems += [
            f'unknown key "{key}"; a space has "parameters" alone' for key in content if key != 'parameters'
        ]
        known: dict[str, Parameter | None] = {}
        for name, said in content['parameters'].items():
            known[str(name)] = self._parameter(str(name), said, known)
        return tuple(filter(None, known.values()))

    def _parameter(self, name: str, said: Any, known: dict[str, Parameter | None]) -> Parameter | None:
        before = len(self.problems)
        if not isinstance(said, dict):
            self._wrong(name, f'{said!r} says no values; write {{log: [1e-4, 1e-2]}} or another of {_all(KINDS)}')
            return None
        for key in said:
            if key not in (*KINDS, *EXTRAS):
                self._wrong(name, f'unknown key "{key}"; did you mean {near(str(key), (*KINDS, *EXTRAS))}?')
        kinds = [kind for kind in KINDS if kind in said]
        if len(kinds) != 1:
            if len(self.problems) == before:
                self._wrong(name, f'says {_all(kinds) or "no values"}; give it one of {_all(KINDS)}')
            return None
        (kind,) = kinds
        values, keys = self._values(name, kind, said[kind]), self._keys(name, said.get('keys'))
        step, when = self._step(name, kind, said.get('step')), self._when(name, said.get('when'), known)
        return Parameter(name, kind, values, keys, step, when) if len(self.problems) == before else None

    def _values(self, name: str, kind: str, said: Any) -> tuple[Any, ...]:
        problem = _range_problem(kind, said) if kind in RANGES else _choice_problem(said)
        if problem:
            self._wrong(name, f'{kind}: {problem}')
            return ()
        if kind == 'choice':
            return tuple(said)
        return tuple(said) if kind == 'int' else tuple(map(float, said))

    def _keys(self, name: str, said: Any) -> tuple[str, ...]:
        if name.startswith(SWAP):
            if said is not None:
                self._wrong(name, 'a swap sets no keys; give a parameter of another name the keys')
            return ()
        keys = [name] if said is None else [said] if isinstance(said, str) else said
        if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
            self._wrong(name, f'keys: {said!r} is no list of config keys')
            return ()
        return tuple(keys)

    def _step(self, name: str, kind: str, said: Any) -> float | None:
        if said is None:
            return None
        if kind not in STEPPED:
            self._wrong(name, f'step: {kind} has none, only {_all(STEPPED)} have')
        elif not _is_number(said, whole=kind == 'int') or said <= 0:
            self._wrong(name, f'step: {said!r} is no {"whole " if kind == "int" else ""}number above 0')
        return said

    def _when(self, name: str, said: Any, known: dict[str, Parameter | None]) -> dict[str, tuple[Any, ...]]:
        if said is None:
            return {}
        if not isinstance(said, dict):
            self._wrong(name, f'when: {said!r} is no PARAMETER: VALUE')
            return {}
        conditions = {key: tuple(value) if isinstance(value, list) else (value,) for key, value in said.items()}
        for other, wanted in conditions.items():
            problem = _condition_problem(str(other), wanted, known)
            if problem:
                self._wrong(name, f'when: {problem}')
        return conditions

    def _wrong(self, name: str, problem: str) -> None:
        self.problems.append(f'{name}: {problem}')


def _range_problem(kind: str, said: Any) -> str | None:
    """Why these cannot be the ends of a range, or None."""
    if not isinstance(said, list) or len(said) != 2 or not all(_is_number(end, kind == 'int') for end in said):
        return f'{said!r} are not two {"whole " if kind == "int" else ""}numbers [lowest, highest]'
    if said[0] >= said[1]:
        return f'{said[0]} is not below {said[1]}; write [lowest, highest]'
    if kind == 'log' and said[0] <= 0:
        return f'{said[0]} has no logarithm; begin above 0'
    return None


def _choice_problem(said: Any) -> str | None:
    """Why these cannot be the values of a choice, or None."""
    if not isinstance(said, list) or not said:
        return f'{said!r} is no list of values'
    _, problems = received({str(index): value for index, value in enumerate(said)})
    labels = [str(value) for value in said]
    twice = [label for index, label in enumerate(labels) if label in labels[:index]]
    if problems:
        return problems[0].partition(': ')[2]
    return f'{twice[0]} stands there twice' if twice else None


def _condition_problem(other: str, wanted: tuple[Any, ...], known: dict[str, Parameter | None]) -> str | None:
    """Why a parameter cannot depend on ``other`` being one of ``wanted``; None where that is wrong itself."""
    if other not in known:
        return f'no parameter "{other}" further up; did you mean {near(other, known)}?'
    if known[other] is None:
        return None
    if known[other].kind != 'choice':
        return f'{other} is no choice; only choices can be named here'
    strange = [value for value in wanted if value not in known[other].values]
    if strange:
        return f'{other} is never {strange[0]!r}; did you mean {near(strange[0], known[other].values)}?'
    return None


def _is_number(value: Any, whole: bool = False) -> bool:
    return isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)


def _all(names: Any) -> str:
    return ', '.join(names)
