"""Read a recipe, with parts swapped and single keys overridden, and refuse what would silently do nothing.

A recipe (``configs/<model>/<name>.py``) lists its bases in ``_base_`` and wires them together in its own lines.
A swap replaces one entry of that list *before* the recipe is evaluated, so everything wired from it follows. A
single key is overridden after the evaluation; a key that the config lacks, or that the recipe has already copied
elsewhere, is an error with the name that was probably meant.
"""

import ast
import difflib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_ext.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """The source of a recipe: its syntax tree and the absolute paths of its bases ({folder: file})."""

    path: Path
    tree: ast.Module
    bases: dict[str, Path]


def near(name: str, known: Iterable[str]) -> str:
    """The known names closest to ``name``, for the end of an error message."""
    known = sorted(map(str, known))
    return ', '.join(difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:12]) or 'nothing'


def load_config(path: str | Path, swaps: Iterable[str] = (), cfg_options: dict[str, Any] | None = None) -> Config:
    """The merged config of a recipe after swaps (``folder=name``) and overrides (``a.b=c``; ``+a.b=c`` adds).

    Raises UsageError naming the file or key, what is wrong and what was meant; all wrong overrides at once.
    """
    path, swaps = Path(path), list(swaps or ())
    if not path.is_file():
        raise UsageError(f'{path}: no such config; did you mean {near(str(path), _configs_around(path))}?')
    recipe = read_recipe(path)
    if swaps and not recipe.bases:
        raise UsageError(
            f'--swap {swaps[0]}: {path} lists no bases to swap (a merged config); give the recipe itself'
        )
    bases = recipe.bases
    for swap in swaps:
        bases = _swapped(bases, swap)
    cfg = _evaluate(recipe, bases)
    if cfg_options:
        apply_overrides(cfg, cfg_options, _wired_names(recipe.tree))
    return cfg


def read_recipe(path: Path) -> Recipe:
    """Parse a recipe without evaluating it."""
    try:
        tree = ast.parse(path.read_text(encoding='utf-8'))
    except SyntaxError as error:
        raise UsageError(f'{path}:{error.lineno}: {error.msg}; fix the syntax of the config') from error
    entries = [entry for node in tree.body if _is_base_list(node) for entry in _strings(node.value)]
    files = [Path(os.path.normpath(path.parent.absolute() / entry)) for entry in entries]
    return Recipe(
        path, tree, {file.parent.name if file.parent.name != '_base_' else file.stem: file for file in files}
    )


def _is_base_list(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(target, 'id', '') == '_base_' for target in node.targets)


def _strings(node: ast.expr) -> list[str]:
    value = ast.literal_eval(node)
    return [value] if isinstance(value, str) else list(value)


def _swapped(bases: dict[str, Path], swap: str) -> dict[str, Path]:
    """The bases with one of them replaced as ``folder=name`` says."""
    folder, _, name = swap.partition('=')
    if not name:
        raise UsageError(f'--swap {swap}: expected FOLDER=NAME, such as datasets=magnetic_tile')
    if folder not in bases:
        raise UsageError(f'--swap {swap}: the recipe has no base "{folder}"; it has {", ".join(bases)}')
    target = bases[folder].with_name(f'{name}.py')
    if not target.is_file():
        names = [file.stem for file in target.parent.glob('[!_]*.py')]
        raise UsageError(f'--swap {swap}: no {target}; did you mean {near(name, names)}?')
    return {**bases, folder: target}


def _evaluate(recipe: Recipe, bases: dict[str, Path]) -> Config:
    """Evaluate the recipe on the given bases. The copy that mmengine reads lives in a temporary folder."""
    tree = ast.parse(ast.unparse(recipe.tree))
    for node in filter(_is_base_list, tree.body):
        node.value = ast.List([ast.Constant(str(file)) for file in bases.values()], ast.Load())
    with tempfile.TemporaryDirectory(prefix='mmseg_ext_') as folder:
        copy = Path(folder, recipe.path.name)
        copy.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding='utf-8')
        try:
            merged = Config.fromfile(copy)
        except Exception as error:
            place = str(error).replace(str(copy), str(recipe.path)).strip().splitlines() or ['']
            raise UsageError(f'{recipe.path}: {type(error).__name__}: {place[-1]}') from error
    return Config(merged._cfg_dict, filename=str(recipe.path), env_variables=merged._env_variables)


def _configs_around(path: Path) -> list[str]:
    root = next(
        (parent for parent in path.parents if parent.name == 'configs' and parent.is_dir()), Path('configs')
    )
    return [str(file) for file in root.rglob('*.py') if '_base_' not in file.parts]


def _wired_names(tree: ast.Module) -> set[str]:
    """Names that the recipe reads from its bases as ``_base_.name``, and so has copied by the time it is merged.

    ``model`` is the exception: what the recipe says about it is merged into the base's own key.
    """
    used = [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, 'id', '') == '_base_'
    ]
    return set(used) - {'model'}


def apply_overrides(cfg: Config, options: dict[str, Any], wired: Iterable[str] = ()) -> None:
    """Merge ``{'a.b': c}`` into ``cfg`` in place; every key must exist unless it starts with ``+``."""
    problems = [problem for key in options for problem in [_override_problem(cfg, key, set(wired))] if problem]
    if problems:
        raise UsageError('\n       '.join(problems))
    cfg.merge_from_dict({key.removeprefix('+'): value for key, value in options.items()})


def _override_problem(cfg: Config, key: str, wired: set[str]) -> str | None:
    """What is wrong with one override key, or None."""
    first = key.removeprefix('+').split('.')[0]
    if first in wired:
        return (
            f'--cfg-options {key}: the recipe copied "{first}" into other keys when it was read; override where '
            'it is used (model.…, train_dataloader.dataset.pipeline.…), or --swap the base that defines it'
        )
    if key.startswith('+'):
        return None
    node: Any = cfg._cfg_dict
    for part in key.split('.'):
        children = _children(node)
        if part not in children:
            return (
                f'--cfg-options {key}: no "{part}" there; did you mean {near(part, children)}? '
                f'(+{key}=… adds a new key)'
            )
        node = children[part]
    return None


def _children(node: Any) -> dict[str, Any]:
    if isinstance(node, dict):
        return {str(key): value for key, value in node.items()}
    if isinstance(node, list | tuple):
        return {str(index): value for index, value in enumerate(node)}
    return {}
