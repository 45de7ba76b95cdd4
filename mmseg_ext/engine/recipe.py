"""Where a run lives and what identifies it: recipe name, run folder, hash of the config, hash of the data."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_ext.engine.overrides import load_config, read_recipe, swapped_bases
from mmseg_ext.errors import UsageError
from mmseg_ext.files import write_text

CONFIG = 'config.py'  # the merged config, in the train folder of a run
# Keys that say where and how a run is executed or what it should reach, not what is trained: not its identity.
NOT_IDENTITY = ('work_dir', 'resume', 'launcher', 'run', 'expected')
SPEED = ('cache',)  # keys that make reading faster and change nothing that is read, wherever they stand
# Bases that the plain name already speaks of; other schedules and pipelines are named in full.
PLAIN_SCHEDULE, PLAIN_PIPELINE = 'adamw_', ('crop_', 'prompt_')
LONGEST_TAG = 80


def computed_name(bases: dict[str, Path], cfg: Config, gpus: int = 1) -> str:
    """``{model}_{loss}_{gpus}xb{batch}-{schedule}_{dataset}-{crop}x{crop}`` from the bases of a recipe.

    A model that has its loss in itself is trained in one of several modes, which stands in place of the loss.
    """
    stems = {folder: file.stem for folder, file in bases.items()}
    height, width = cfg.crop_size
    loss = stems.get('losses') or cfg.model.get('mode', 'own_loss')
    pipeline = '' if stems['pipelines'].startswith(PLAIN_PIPELINE) else f'-{stems["pipelines"]}'
    return (
        f'{stems["models"]}_{loss}_{gpus}xb{cfg.train_dataloader.batch_size}-'
        f'{stems["schedules"].removeprefix(PLAIN_SCHEDULE)}_{stems["datasets"]}-{height}x{width}{pipeline}'
    )


def recipe_name(
    path: str | Path,
    swaps: Iterable[str] = (),
    options: dict[str, Any] | None = None,
    gpus: int = 1,
    amp: bool = False,
) -> str:
    """The name of a run: the file's own, recomputed from the bases when they are swapped.

    Overridden keys are appended as ``+key=value``, so that two runs which differ never share a folder. A recipe
    whose file has a name of its own (``configs/quick``) keeps it and gets the swapped bases appended. The merged
    config of a run has the name of that run.
    """
    path = Path(path)
    cfg = load_config(path)
    name = cfg.run.recipe if 'run' in cfg else _swapped_name(path, cfg, list(swaps or ()))
    if gpus > 1:
        name = re.sub(r'_1xb(\d+)', rf'_{gpus}xb\1', name)
    return name + _options_tag(options or {}) + '+amp' * (amp and not name.endswith('+amp'))


def _swapped_name(path: Path, cfg: Config, swaps: list[str]) -> str:
    recipe = read_recipe(path)
    after, _ = swapped_bases(recipe, swaps)
    changed = [after[folder].stem for folder in after if after[folder] != recipe.bases[folder]]
    if changed and path.stem == computed_name(recipe.bases, cfg):
        return computed_name(after, load_config(path, swaps))
    return '-'.join([path.stem, *changed])


def _options_tag(options: dict[str, Any]) -> str:
    """``+a.lr=0.01+b.gamma=1``; a hash stands for what is long or has signs that a file name should not have."""
    tag = ''.join(f'+{key.removeprefix("+")}={value}' for key, value in sorted(options.items()))
    if len(tag) <= LONGEST_TAG and re.fullmatch(r'[\w.+=-]*', tag):
        return tag
    return f'+{len(options)}options-{hashlib.sha256(repr(sorted(options.items())).encode()).hexdigest()[:8]}'


def run_folder(
    path: str | Path, name: str, seed: int | None = None, project: str = 'default', root: str | Path = 'work_dirs'
) -> Path:
    """``work_dirs/<project>/exp/<model dir>/<recipe>[/seed<k>]``; ``train`` and ``test`` are its two parts."""
    folder = Path(root, project, 'exp', Path(path).absolute().parent.name, name)
    return folder if seed is None else folder / f'seed{seed}'


def run_of(checkpoint: str | Path) -> Path | None:
    """The run folder of ``<run>/train/ckpt/x.pth``, or None when the file lies elsewhere."""
    parts = Path(checkpoint).absolute().parents
    return parts[2] if [each.name for each in parts[:2]] == ['ckpt', 'train'] else None


def save_config(cfg: Config, folder: Path) -> None:
    """The merged config as ``<folder>/config.py``, which alone repeats the run with the same name and hash."""
    kept = {key: value for key, value in cfg.to_dict().items() if key == 'run' or key not in NOT_IDENTITY}
    write_text(folder / CONFIG, Config(kept).pretty_text)


def config_hash(cfg: Config) -> str:
    """Sixteen hex digits that identify what is trained: the merged config less the keys that say where and how.

    The seed is left out too: runs of one recipe that differ in their seed alone have one hash.
    """
    return hashlib.sha256(repr(_sorted(what_is_trained(cfg))).encode()).hexdigest()[:16]


def what_is_trained(cfg: Config) -> dict[str, Any]:
    """The merged config without the keys that say where and how, and without the seed."""
    kept = {key: value for key, value in cfg.to_dict().items() if key not in NOT_IDENTITY}
    kept['randomness'] = {key: value for key, value in kept.get('randomness', {}).items() if key != 'seed'}
    return kept


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {str(key): item for key, item in value.items() if key not in SPEED}
        return [(key, _sorted(kept[key])) for key in sorted(kept)]
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value


def first_difference(one: Any, other: Any, key: str = '') -> str:
    """The dotted name of the first key in which two nested structures differ; empty if they do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = {str(name): name for name in [*one, *other]}
        pairs = [(name, one.get(names[name]), other.get(names[name])) for name in sorted(names)]
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = [(str(index), *pair) for index, pair in enumerate(zip(one, other, strict=True))]
    else:
        return '' if one == other else key
    found = (first_difference(a, b, f'{key}.{name}'.strip('.')) for name, a, b in pairs)
    return next(filter(None, found), '')


def data_hash(folders: Iterable[str | Path]) -> str:
    """Sixteen hex digits over relative names and sizes of all files in the folders, and the content of the masks.

    Masks are small and are what an annotator changes without changing a file's name; images are only compared by
    name and size, because reading gigabytes before every run would cost more than it tells. A file among the
    folders, such as a mapping of prompts, counts with its content.
    """
    digest = hashlib.sha256()
    for folder in map(Path, folders):
        if folder.is_file():
            digest.update(folder.read_bytes())
            continue
        if not folder.is_dir():
            raise UsageError(f'{folder}: no such folder of images or masks')
        is_masks = 'ann_dir' in folder.parts
        for file in sorted(entry for entry in folder.rglob('*') if entry.is_file()):
            digest.update(f'{file.relative_to(folder).as_posix()}:{file.stat().st_size}\n'.encode())
            if is_masks:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
