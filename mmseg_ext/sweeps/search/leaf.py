"""Write a recipe with swaps and options as a recipe of its own, which tools/train.py and --swap understand.

The lines of the recipe stay as they are, below the bases that the swaps choose; the options follow them as
statements. So the new file is wired like the old one, and other bases can be swapped into it. A recipe whose lines
do not allow that (they read a key before the options change it, or build on the name of their file) becomes its
merged config instead, which trains the same and cannot be swapped. Which one it is the first line says.
"""

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_ext.engine.overrides import children, load_config, read_recipe, swapped_bases
from mmseg_ext.engine.recipe import NOT_IDENTITY, config_hash
from mmseg_ext.errors import UsageError
from mmseg_ext.files import replacing
from mmseg_ext.sweeps.search.setting import Setting

# Laid into the new recipe where an option lies inside something that the recipe's own lines have made.
HELPER = '''
def changed(node, key, value):
    """A copy of a config in which the entry at the dotted key is another; what others share stays as it is."""
    first, _, rest = key.partition('.')
    copy = dict(node) if isinstance(node, dict) else list(node)
    place = first if isinstance(node, dict) else int(first)
    below = copy.get(place, dict()) if isinstance(node, dict) else copy[place]
    copy[place] = changed(below, rest, value) if rest else value
    return copy

'''


def write_leaf(setting: Setting, path: Path, title: str) -> Path:
    """Write ``setting`` as the recipe ``path`` with ``title``, some lines, as its header comment.

    Its merged config has the hash of the setting's own.
    """
    cfg = setting.config()
    for text in (_leaf_text(setting, cfg, path, title), _merged_text(setting, cfg, title)):
        with replacing(path) as partial:
            partial.write_text(text, encoding='utf-8')
        if _hash(path) == config_hash(cfg):
            break
    return path


def _hash(path: Path) -> str | None:
    try:
        return config_hash(load_config(path))
    except UsageError:
        return None


def _leaf_text(setting: Setting, cfg: Config, path: Path, title: str) -> str:
    recipe = read_recipe(setting.recipe)
    bases, _ = swapped_bases(recipe, setting.swaps)
    lines = [_comment(title)]
    if bases:
        near = (os.path.relpath(file, path.parent.absolute()) for file in bases.values())
        lines += ['_base_ = [', *(f'    {Path(file).as_posix()!r},' for file in near), ']']
    lines += _own_lines(setting.recipe, recipe.tree)
    lines += _statements(setting, cfg, _assigned(recipe.tree))
    return '\n'.join(lines) + '\n'


def _comment(title: str) -> str:
    return '\n'.join(f'# {line}'.rstrip() for line in title.splitlines())


def _own_lines(path: Path, tree: ast.Module) -> list[str]:
    """The lines of a recipe without its header, its bases, and what is true of it alone."""
    text = path.read_text(encoding='utf-8').splitlines()
    dropped = {'_base_', 'expected', 'run'}
    for node in tree.body:
        if isinstance(node, ast.Assign) and dropped.intersection(_names(node)):
            text[node.lineno - 1 : node.end_lineno] = [None] * (node.end_lineno - node.lineno + 1)
    header = next((at for at, line in enumerate(text) if line is None or not line.startswith('#')), len(text))
    return [line for line in text[header:] if line is not None]


def _assigned(tree: ast.Module) -> set[str]:
    """The keys that the recipe's own lines define and do not delete."""
    defined = {name for node in tree.body if isinstance(node, ast.Assign) for name in _names(node)}
    return defined - {name for node in tree.body if isinstance(node, ast.Delete) for name in _names(node)}


def _names(node: ast.Assign | ast.Delete) -> Iterator[str]:
    yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _statements(setting: Setting, cfg: Config, own: set[str]) -> list[str]:
    """The options as lines of Python: what the recipe's lines have made is changed, other keys are laid on top."""
    lines, nested = [], {}
    for option, value in setting.options.items():
        key = option.removeprefix('+')
        first, _, rest = key.partition('.')
        if first in own:
            lines.append(f'{first} = changed({first}, {rest!r}, {value!r})' if rest else f'{first} = {value!r}')
        elif _through_list(cfg, key):
            lines.append(f'{first} = changed(_base_[{first!r}], {rest!r}, {value!r})')
            own = own | {first}
        else:
            _lay(nested, key.split('.'), value)
    lines += [f'{first} = {_written(value)}' for first, value in nested.items()]
    uses_helper = any('changed(' in line for line in lines)
    return [*(HELPER.splitlines() if uses_helper else []), *lines]


def _through_list(cfg: Config, key: str) -> bool:
    node: Any = cfg._cfg_dict
    for part in key.split('.'):
        if isinstance(node, list | tuple):
            return True
        node = children(node).get(part)
    return False


def _lay(nested: dict[str, Any], parts: list[str], value: Any) -> None:
    for part in parts[:-1]:
        nested = nested.setdefault(part, {})
    nested[parts[-1]] = value


def _written(value: Any) -> str:
    """``dict(optimizer=dict(lr=0.01))``, as configs are written here."""
    if not isinstance(value, dict):
        return repr(value)
    return f'dict({", ".join(f"{key}={_written(item)}" for key, item in value.items())})'


def _merged_text(setting: Setting, cfg: Config, title: str) -> str:
    kept = {key: value for key, value in cfg.to_dict().items() if key not in NOT_IDENTITY}
    return f'{_comment(title)}\n# The merged config: no base can be swapped.\n{Config(kept).pretty_text}'
