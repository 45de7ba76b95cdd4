"""Read a recipe, with parts swapped and single keys overridden, and refuse what would silently do nothing.

A recipe (``configs/<model>/<name>.py``) lists its bases in ``_base_`` and wires them together in its own lines.
A swap replaces one entry of that list *before* the recipe is evaluated, so everything wired from it follows. A
single key is overridden after the evaluation; a key that the config lacks, or that the recipe has already copied
elsewhere, is an error with the name that was probably meant.
"""

import ast
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import MMLogger

from mmseg_ext.errors import UsageError, listed, near


@dataclass(frozen=True)
class Recipe:
    """The source of a recipe: its syntax tree and the absolute paths of its bases ({folder: file})."""

    path: Path
    tree: ast.Module
    bases: dict[str, Path]


def load_config(path: str | Path, swaps: Iterable[str] = (), cfg_options: dict[str, Any] | None = None) -> Config:
    """The merged config of a recipe after swaps (``folder=name``) and overrides (``a.b=c``; ``+a.b=c`` adds).

    Raises UsageError naming the file or key, what is wrong and what was meant; all wrong ones at once.
    """
    cfg, problems = merge_config(path, swaps, cfg_options)
    if problems:
        raise UsageError(listed(problems))
    return cfg


def merge_config(
    path: str | Path, swaps: Iterable[str] = (), cfg_options: dict[str, Any] | None = None
) -> tuple[Config, list[str]]:
    """Like ``load_config``, but wrong swaps and overrides are left out and returned, a line each.

    So whoever checks a run can go on to the data and say everything at once. Raises UsageError only when the
    recipe itself cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f'{path}: no such config; did you mean {near(str(path), _configs_around(path))}?')
    recipe = read_recipe(path)
    bases, problems = swapped_bases(recipe, swaps)
    cfg = _evaluate(recipe, bases)
    return cfg, problems + apply_overrides(cfg, cfg_options or {}, _wired_names(recipe.tree))


def read_recipe(path: Path) -> Recipe:
    """Parse a recipe without evaluating it."""
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
        entries = [entry for node in tree.body if _is_base_list(node) for entry in _strings(node.value)]
    except SyntaxError as error:
        raise UsageError(f'{path}:{error.lineno}: {error.msg}; fix the syntax of the config') from error
    except ValueError as error:
        raise UsageError(f'{path}: {error}; a config is Python text, its _base_ a list of file names') from error
    files = [Path(os.path.normpath(path.parent.absolute() / entry)) for entry in entries]
    return Recipe(
        path, tree, {file.parent.name if file.parent.name != '_base_' else file.stem: file for file in files}
    )


def _is_base_list(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(target, 'id', '') == '_base_' for target in node.targets)


def _strings(node: ast.expr) -> list[str]:
    value = ast.literal_eval(node)
    return [value] if isinstance(value, str) else list(value)


def swapped_bases(recipe: Recipe, swaps: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """The bases after all swaps that can be made, and what is wrong with the others."""
    bases, problems = dict(recipe.bases), []
    for swap in swaps or ():
        folder, _, name = swap.partition('=')
        problem = _swap_problem(recipe, folder, name)
        if problem:
            problems.append(f'--swap {swap}: {problem}')
        else:
            bases[folder] = bases[folder].with_name(f'{name}.py')
    return bases, problems


def _swap_problem(recipe: Recipe, folder: str, name: str) -> str | None:
    if not recipe.bases:
        return f'{recipe.path} lists no bases to swap (a merged config); give the recipe itself'
    if not name:
        return 'expected FOLDER=NAME, such as datasets=magnetic_tile'
    if folder not in recipe.bases:
        return f'the recipe has no base "{folder}"; it has {", ".join(recipe.bases)}'
    target = recipe.bases[folder].with_name(f'{name}.py')
    if target.is_file():
        return None
    return f'no {target}; did you mean {near(name, (file.stem for file in target.parent.glob("[!_]*.py")))}?'


def _evaluate(recipe: Recipe, bases: dict[str, Path]) -> Config:
    """Evaluate the recipe on the given bases. The copy that mmengine reads lives in a temporary folder."""
    tree = ast.parse(ast.unparse(recipe.tree))
    for node in filter(_is_base_list, tree.body):
        node.value = ast.List([ast.Constant(str(file)) for file in bases.values()], ast.Load())
    with tempfile.TemporaryDirectory(prefix='mmseg_ext_') as folder:
        copy = Path(folder, recipe.path.name)
        copy.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding='utf-8')
        try:
            with _without_notes():
                merged = Config.fromfile(copy)
        except Exception as error:
            place = str(error).replace(str(copy), str(recipe.path)).strip().splitlines() or ['']
            raise UsageError(f'{recipe.path}: {type(error).__name__}: {place[-1]}') from error
    return Config(merged._cfg_dict, filename=str(recipe.path), env_variables=merged._env_variables)


@contextmanager
def _without_notes() -> Iterator[None]:
    """Silence mmengine's notes on environment variables: a line for each of them and each file that reads one."""
    logger = MMLogger.get_current_instance()
    logger.addFilter(_worth_telling)
    try:
        yield
    finally:
        logger.removeFilter(_worth_telling)


def _worth_telling(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO


def _configs_around(path: Path) -> list[str]:
    root = next(
        (parent for parent in path.parents if parent.name == 'configs' and parent.is_dir()), Path('configs')
    )
    return [str(file) for file in root.rglob('*.py') if '_base_' not in file.parts]


def _wired_names(tree: ast.Module) -> set[str]:
    """Names that the recipe reads from its bases as ``_base_.name``, and so has copied by the time it is merged.

    ``model`` and ``optim_wrapper`` are the exceptions: what the recipe says about them is merged into the base's
    own key.
    """
    used = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, 'id', '') == '_base_'
    ]
    return set(used) - {'model', 'optim_wrapper'}


def apply_overrides(cfg: Config, options: dict[str, Any], wired: Iterable[str] = ()) -> list[str]:
    """Merge ``{'a.b': c}`` into ``cfg`` in place; every key must exist unless it starts with ``+``.

    Returns what is wrong with the overrides that were left out.
    """
    problems = []
    for key, value in options.items():
        problem = _override_problem(cfg, key, value, set(wired))
        if problem:
            problems.append(f'--cfg-options {key}: {problem}')
        else:
            cfg.merge_from_dict({key.removeprefix('+'): value})
    return problems


def _override_problem(cfg: Config, key: str, value: Any, wired: set[str]) -> str | None:
    """What is wrong with one override, or None."""
    first, *_ = key.removeprefix('+').split('.')
    if first in wired:
        return (
            f'the recipe copied "{first}" into other keys when it was read; override where it is used '
            '(model.…, train_dataloader.dataset.pipeline.…), or --swap the base that defines it'
        )
    node: Any = cfg._cfg_dict
    owner, path = None, key.removeprefix('+')
    for part in path.split('.'):
        below = children(node)
        if part not in below and key.startswith('+'):
            return None if isinstance(node, dict) else f'"{part}" can only be added to a group of keys'
        if part not in below:
            return f'no "{part}" there; did you mean {near(part, below)}? (+{key}=… adds a new key)'
        owner, node = node, below[part]
    return _value_problem(node, value) or _entry_problem(owner, path, value)


def _value_problem(old: Any, new: Any) -> str | None:
    """Why ``new`` cannot stand where ``old`` stands: a word for a number, a value for a group of keys."""
    if isinstance(old, int | float) and isinstance(new, str):
        return f'{new!r} is no number or truth value; the config has {old!r} there'
    if isinstance(old, dict) and not isinstance(new, dict | None):
        return f'{new!r} cannot replace a group of keys; override one of {", ".join(map(str, old))}'
    return None


def _entry_problem(owner: Any, path: str, value: Any) -> str | None:
    """Why an entry of the list ``owner`` cannot be set: mmengine merges keys into lists, and nothing else."""
    if not isinstance(owner, list | tuple):
        return None
    if any(isinstance(each, dict) for each in owner):
        return 'an entry of a list cannot be set alone; write a config of two lines, _base_ and the whole list'
    whole, _, index = path.rpartition('.')
    entries = [str(value) if place == int(index) else str(each) for place, each in enumerate(owner)]
    ends = '()' if isinstance(owner, tuple) else '[]'
    return (
        f'an entry of a list cannot be set alone; give the whole list: '
        f"'{whole}={ends[0]}{', '.join(entries)}{ends[1]}'"
    )


def children(node: Any) -> dict[str, Any]:
    """The entries of a dict or a list, by the names they have in a dotted key."""
    if isinstance(node, dict):
        return {str(key): value for key, value in node.items()}
    if isinstance(node, list | tuple):
        return {str(index): value for index, value in enumerate(node)}
    return {}
