"""The YAML of a plan, read with every mistake in it told at once.

    title: Loss functions                  # all keys but recipes may be left out
    columns: [Model, Trained on]           # headings above the labels of recipes and groups
    marks: best                            # or change: better or worse than the first group of the model
    seeds: [0, 1, 2]
    swap: schedules=schedule_40k           # for every line: one FOLDER=NAME or a list of them
    cfg_options: {train_cfg.val_interval: 2000}
    recipes:
      Fast-SCNN: fast_scnn/a.py            # below configs/, or {recipe: …, swap: …, cfg_options: …}
    groups:
      Focal: {swap: losses=focal}          # every recipe is trained on every group
    prepare:
      data/set: python tools/make_set.py   # a path that must exist, and the command that makes it

Of the swaps and options of file, recipe and group the later ones win.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmseg_ext.errors import UsageError, listed, near
from mmseg_ext.sweeps.plans.options import received
from mmseg_ext.sweeps.plans.yaml_file import read_yaml

KEYS = ('title', 'columns', 'marks', 'seeds', 'swap', 'cfg_options', 'recipes', 'groups', 'prepare')
PART_KEYS = ('swap', 'cfg_options')
COLUMNS = ('Model', 'Trained on')
MARKS = ('change', 'best')


@dataclass(frozen=True)
class Part:
    """What one label stands for: swaps and options, and for a recipe its file."""

    label: str
    swaps: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    recipe: Path | None = None


@dataclass(frozen=True)
class PlanFile:
    """A plan as it is written; ``common`` holds what is said for every line. Without groups there are none."""

    title: str
    columns: tuple[str, str]
    marks: str
    seeds: tuple[int, ...]
    common: Part
    recipes: tuple[Part, ...]
    groups: tuple[Part, ...]
    prepare: dict[str, str]


def read_plan_file(path: str | Path) -> PlanFile:
    """The plan in a YAML file; UsageError with a line for each thing that is wrong with it."""
    path = Path(path)
    content = read_yaml(path, 'plan', f'a plan is a list of keys with values; it has {", ".join(KEYS)}')
    reader = _Reader(_configs_of(path))
    plan = reader.plan(content, path.stem)
    if reader.problems:
        raise UsageError(listed(f'{path}: {problem}' for problem in reader.problems))
    return plan


def seeds_problem(seeds: Any) -> str | None:
    """Why these cannot be the seeds of a plan, or None."""
    if not isinstance(seeds, list | tuple) or not seeds:
        return f'seeds: {seeds!r} is no list of whole numbers, such as [0, 1, 2]'
    wrong = [seed for seed in seeds if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0]
    if wrong:
        return f'seeds: {wrong[0]!r} is no whole number from 0 on'
    twice = [seed for index, seed in enumerate(seeds) if seed in seeds[:index]]
    return f'seeds: {twice[0]} stands there twice; a run of the same seed would only repeat it' if twice else None


def _configs_of(path: Path) -> Path:
    """The folder that recipes are named from: the ``configs`` around the plan, else that of the current folder."""
    return next((parent for parent in path.parents if parent.name == 'configs'), Path('configs'))


class _Reader:
    """Turns the content of a file into a PlanFile and collects what is wrong with it."""

    def __init__(self, configs: Path) -> None:
        self.configs, self.problems = configs, []

    def plan(self, content: dict[str, Any], name: str) -> PlanFile:
        self._known(content, KEYS, '')
        columns, marks = content.get('columns', COLUMNS), content.get('marks', MARKS[0])
        if not isinstance(columns, list | tuple) or [type(each) for each in columns] != [str, str]:
            self.problems.append(f'columns: {columns!r} are not two headings, such as [{", ".join(COLUMNS)}]')
        if marks not in MARKS:
            self.problems.append(f'marks: {marks!r} is neither {" nor ".join(MARKS)}')
        seeds = content.get('seeds', [0])
        self.problems += filter(None, [seeds_problem(seeds)])
        return PlanFile(
            title=str(content.get('title', name)),
            columns=tuple(columns),
            marks=marks,
            seeds=tuple(seeds) if isinstance(seeds, list) else (),
            common=self._part('', content, 'the plan'),
            recipes=tuple(self._parts(content, 'recipes')),
            groups=tuple(self._parts(content, 'groups')) if 'groups' in content else (),
            prepare=self._mapping(content.get('prepare'), 'prepare'),
        )

    def _parts(self, content: dict[str, Any], key: str) -> list[Part]:
        value, parts = content.get(key), []
        if not isinstance(value, dict) or not value:
            self.problems.append(f'{key}: none there; list them as LABEL: …')
            return []
        for label, said in value.items():
            place = f'{key}.{label}'
            if isinstance(label, bool) or label is None:
                self.problems.append(f'{place}: YAML reads this label as {label}; put it into quotes')
            parts.append(self._recipe(str(label), said, place) if key == 'recipes' else self._group(label, said))
        return parts

    def _recipe(self, label: str, said: Any, place: str) -> Part:
        said = {'recipe': said} if isinstance(said, str) else said
        if not isinstance(said, dict) or not isinstance(said.get('recipe'), str):
            self.problems.append(f'{place}: no recipe there; give its file below {self.configs}')
            return Part(label)
        self._known(said, ('recipe', *PART_KEYS), place)
        part = self._part(label, said, place)
        return Part(label, part.swaps, part.options, self.configs / said['recipe'])

    def _group(self, label: Any, said: Any) -> Part:
        said, place = {} if said is None else said, f'groups.{label}'
        if not isinstance(said, dict):
            self.problems.append(f'{place}: {said!r} is no group; write {{swap: FOLDER=NAME}} or cfg_options')
            return Part(str(label))
        self._known(said, PART_KEYS, place)
        return self._part(str(label), said, place)

    def _part(self, label: str, said: dict[str, Any], place: str) -> Part:
        swaps = said.get('swap') or []
        swaps = swaps.split() if isinstance(swaps, str) else swaps
        if not isinstance(swaps, list) or not all(isinstance(swap, str) for swap in swaps):
            self.problems.append(f'{place}: swap: {swaps!r} is no FOLDER=NAME, nor a list of them')
            swaps = []
        options, problems = received(self._mapping(said.get('cfg_options'), f'{place}: cfg_options'))
        self.problems += (f'{place}: cfg_options {problem}' for problem in problems)
        return Part(label, tuple(swaps), options)

    def _mapping(self, value: Any, place: str) -> dict[str, Any]:
        if value is None or isinstance(value, dict):
            return {str(key): item for key, item in (value or {}).items()}
        self.problems.append(f'{place}: {value!r} is no list of KEY: VALUE')
        return {}

    def _known(self, content: dict[str, Any], known: tuple[str, ...], place: str) -> None:
        for key in content:
            if key not in known:
                where = f'{place}: ' if place else ''
                self.problems.append(f'{where}unknown key "{key}"; did you mean {near(str(key), known)}?')
