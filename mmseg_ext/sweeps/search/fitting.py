"""From a space and a recipe to what a trial trains, and whether every such trial can be trained."""

import difflib
import itertools
import random
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

from mmseg_ext.engine.overrides import children, read_recipe, swapped_bases
from mmseg_ext.errors import UsageError, listed
from mmseg_ext.sweeps.search.setting import Setting
from mmseg_ext.sweeps.search.space import Parameter, Space

MOST = 64  # combinations of choices that are checked before a search; of more, so many drawn at random
ALIKE = 0.8  # a name that is missing, and as close as this to one that is there, is a misspelt one


def applied(space: Space, values: dict[str, Any], base: Setting) -> tuple[Setting, Config]:
    """What the trial with these values trains, and its config; UsageError when a value does not fit the recipe."""
    setting, cfg, problems = _applied(space, values, base)
    if problems:
        raise UsageError(listed(problems))
    return setting, cfg


def _applied(space: Space, values: dict[str, Any], base: Setting) -> tuple[Setting, Config, list[str]]:
    """Likewise, with what is wrong instead of an error."""
    swapped = base.changed(tuple(f'{space[name].folder}={values[name]}' for name in values if space[name].folder))
    cfg, problems = swapped.checked()
    options: dict[str, Any] = {}
    for name, value in values.items():
        for key in space[name].keys:
            misspelt, found = _misspelt(cfg._cfg_dict, key), expanded(cfg._cfg_dict, key)
            problems += [f'{name}: {misspelt}'] if misspelt else []
            problems += [f'{name}: another parameter sets {each} too' for each in found if each in options]
            options |= dict.fromkeys(found, value)
    setting = swapped.changed(options=options)
    cfg, misfits = setting.checked()
    return setting, cfg, problems or misfits


def expanded(node: Any, key: str) -> list[str]:
    """The keys that one with ``*`` stands for, each entry there in turn; what follows need not exist."""
    before, star, after = key.partition('*')
    if not star:
        return [key]
    for part in filter(None, before.split('.')):
        node = children(node).get(part)
    return [f'{before}{name}{rest}' for name, child in children(node).items() for rest in expanded(child, after)]


def _misspelt(node: Any, key: str) -> str | None:
    """What seems misspelt on the way to the first ``*``, where nothing may be on purpose; None otherwise."""
    for part in filter(None, key.partition('*')[0].split('.')) if '*' in key else ():
        below = children(node)
        meant = [] if part in below else difflib.get_close_matches(part, below, cutoff=ALIKE)
        if meant:
            return f'no "{part}" there; did you mean {", ".join(meant)}? ({key})'
        node = below.get(part)
    return None


def check_space(space: Space, base: Setting, seed: int = 0) -> None:
    """Make sure that every parameter fits the recipe in whatever company it is drawn.

    Every combination of swaps and of the choices that others depend on is merged with the recipe, with values of
    the other parameters, each choice once. Raises UsageError with a line for each kind of problem.
    """
    problems = dict.fromkeys(_clashes(space, base))
    for values in _samples(space, seed) if not problems else ():
        for problem in _problems(space, values, base):
            problems.setdefault(f'space {space.name}: {problem}', _company(space, values))
    if problems:
        raise UsageError(listed(f'{problem}{company or ""}' for problem, company in problems.items()))


def _problems(space: Space, values: dict[str, Any], base: Setting) -> list[str]:
    try:
        return _applied(space, values, base)[2]
    except UsageError as error:  # a base that the lines of the recipe cannot be evaluated on
        return [str(error)]


def _clashes(space: Space, base: Setting) -> Iterator[str]:
    """What both the command line and the space would set."""
    swapped = {swap.partition('=')[0] for swap in base.swaps}
    fixed = {key.lstrip('+') for key in base.options}
    for parameter in space.parameters:
        if parameter.folder in swapped:
            yield f'--swap {parameter.folder}: the space searches over {parameter.name}; leave one of them out'
        for key in fixed.intersection(parameter.keys):
            yield f'--cfg-options {key}: the space searches over {parameter.name}; leave one of them out'


def _samples(space: Space, seed: int) -> list[dict[str, Any]]:
    """Values to try: all combinations of the choices that matter for others, every other choice at least once."""
    named = {name for each in space.parameters for name in each.when}
    leading = [each for each in space.parameters if each.folder or each.name in named]
    names = [each.name for each in leading]
    combinations = [dict(zip(names, values, strict=True)) for values in _product(leading, seed)]
    longest = max(len(each.values) for each in space.parameters)
    turns = range(max(len(combinations), longest))
    drawn = [_draw(space, combinations[turn % len(combinations)], turn) for turn in turns]
    return [values for index, values in enumerate(drawn) if values not in drawn[:index]]


def _product(leading: list[Parameter], seed: int) -> list[tuple[Any, ...]]:
    count = 1
    for parameter in leading:
        count *= len(parameter.values)
    if count <= MOST:
        return list(itertools.product(*(parameter.values for parameter in leading)))
    rng = random.Random(seed)
    return [tuple(rng.choice(parameter.values) for parameter in leading) for _ in range(MOST)]


def _draw(space: Space, fixed: dict[str, Any], turn: int) -> dict[str, Any]:
    return space.draw(lambda each: fixed.get(each.name, each.values[turn % len(each.values)]))


def _company(space: Space, values: dict[str, Any]) -> str:
    """The choices under which a problem was met first, for the end of its line."""
    swaps = [each.name for each in space.parameters if each.folder and each.name in values]
    named = [f'{name}={values[name]}' for name in swaps]
    return f' (with {", ".join(named)}; "when:" can keep a parameter to some choices)' if named else ''


def present_values(space: Space, base: Setting) -> dict[str, Any]:
    """The values that the recipe has itself, None for a key that it lacks; they may lie outside the space."""
    bases, _ = swapped_bases(read_recipe(base.recipe), base.swaps)
    cfg = base.config()
    return space.draw(lambda each: bases[each.folder].stem if each.folder else _value(cfg._cfg_dict, each))


def _value(cfg: Any, parameter: Parameter) -> Any:
    """What the first key of a parameter holds; None when there is no such key."""
    keys = [each for key in parameter.keys for each in expanded(cfg, key)]
    node = cfg
    for part in keys[0].split('.') if keys else ():
        node = children(node).get(part)
    return (list(node) if isinstance(node, tuple) else node) if keys else None
