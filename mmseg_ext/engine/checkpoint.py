"""Read checkpoints safely: weights and plain records only, and of the model at hand."""

import argparse
import functools
import os
import pickle
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint
import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from torch import nn

from mmseg_ext.errors import UsageError
from mmseg_ext.files import refuse_pointer
from mmseg_ext.models.weight_difference import weight_difference

TRUST = 'MMSEG_EXT_TRUST_CHECKPOINT'
POINTER = 'last_checkpoint'
STATISTICS = ('min', 'max', 'mean', 'current')


def history_statistic(owner: Any, name: str) -> Any:
    """Stands in for ``getattr`` while a checkpoint is read.

    A history of logged numbers is pickled with references to its four statistics. The real ``getattr`` would open
    every module behind an allowed class to the file; this one knows nothing else.
    """
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise pickle.UnpicklingError(f'Unsupported global: {owner}.{name}')
    return getattr(owner, name)


# What a checkpoint holds besides tensors and plain containers: the history of logged numbers.
ALLOWED = [
    HistoryBuffer,
    (history_statistic, 'builtins.getattr'),
    np._core.multiarray._reconstruct,
    np._core.multiarray.scalar,
    np.ndarray,
    np.dtype,
    argparse.Namespace,  # the options of a training, in files of others; it can hold nothing but what is allowed
    *(type(np.dtype(kind)) for kind in (np.int64, np.float64, np.float32, np.uint32, np.bool_)),
]


def read_checkpoint(path: str | Path, map_location: Any = 'cpu') -> dict[str, Any]:
    """The content of a checkpoint file, loaded without running any code from it.

    Raises UsageError when there is no such file, when it is not a checkpoint, or when it holds objects beyond
    weights and records; setting the environment variable MMSEG_EXT_TRUST_CHECKPOINT=1 loads those too.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise UsageError(f'{path}: no such checkpoint')
    refuse_pointer(path)
    if path.suffix == '.safetensors':
        return _read_safetensors(path)
    trusted = os.environ.get(TRUST) == '1'
    try:
        with torch.serialization.safe_globals([] if trusted else ALLOWED):
            content = torch.load(path, map_location=map_location, weights_only=not trusted)
    except pickle.UnpicklingError as error:
        if 'Unsupported global' not in str(error) and 'GLOBAL' not in str(error):
            raise UsageError(f'{path}: not a checkpoint, or a damaged one') from error
        raise UsageError(
            f'{path}: holds objects other than weights, which could run code when loaded; '
            f'if you trust its origin, set {TRUST}=1'
        ) from error
    except Exception as error:  # bytes that are no checkpoint fail in whatever step they look like
        raise UsageError(f'{path}: not a checkpoint, or a damaged one') from error
    if not isinstance(content, dict):
        raise UsageError(f'{path}: holds a {type(content).__name__}, not a checkpoint')
    return content


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """{name: tensor} of a format that holds nothing else."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise UsageError(f'{path}: safetensors is not installed; pip install safetensors') from error
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UsageError(f'{path}: not a checkpoint, or a damaged one') from error


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location: Any) -> dict[str, Any]:
    """mmengine's loader of local files, which would fall back to running code from the file, made safe."""
    return read_checkpoint(filename, map_location)


# Weights behind an address (`load_from`, pretrained backbones) come through this name; torch would run their code.
mmengine.runner.checkpoint.load_url = functools.partial(torch.hub.load_state_dict_from_url, weights_only=True)


def load_weights(model: nn.Module, path: str | Path) -> dict[str, Any]:
    """Load the weights of ``path`` into ``model``; every name and shape must agree. Returns the whole content.

    Raises UsageError that says how the checkpoint's model differs.
    """
    content, expected = read_checkpoint(path), model.state_dict()
    weights = _own_names(content, model, expected)
    reason = _difference(weights, expected)
    if reason:
        raise UsageError(f'{path}: a checkpoint of another model: {reason}; give the config it was trained with')
    model.load_state_dict(weights)
    return content


def _own_names(content: dict[str, Any], model: nn.Module, expected: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The weights of a checkpoint under the names of ``model``.

    A part may have been published on its own: its method ``published_weights`` makes of the content of such a file
    the part's weights, or none. What the model has around that part then stays as it is.
    """
    weights = content.get('state_dict', content)
    weights = {str(name).removeprefix('module.'): value for name, value in weights.items()}
    if any(name in expected for name in weights):
        return weights
    for place, part in model.named_modules():
        found = part.published_weights(content) if hasattr(part, 'published_weights') else None
        if found:
            before = f'{place}.' if place else ''
            around = {name: value for name, value in expected.items() if not name.startswith(before)}
            return around | {f'{before}{name}': value for name, value in found.items()}
    return weights


def _difference(found: dict[str, Any], expected: dict[str, torch.Tensor]) -> str:
    """How two sets of weights differ, in words; empty if they do not."""
    common = [name for name in expected if name in found]
    if not common:
        return 'no weight of it has a name that this model knows'
    if not all(isinstance(found[name], torch.Tensor) for name in common):
        return 'not all its weights are tensors'
    heads = [name for name in common if 'conv_seg' in name and len(found[name]) != len(expected[name])]
    if heads:
        return f'it predicts {len(found[heads[0]])} classes, this config {len(expected[heads[0]])}'
    return weight_difference(found, expected)


def latest_checkpoint(folder: str | Path) -> Path | None:
    """The newest checkpoint in ``folder`` that can be read: the pointer's, else the highest iteration.

    None when there is none at all; UsageError when there are some and none can be read.
    """
    folder, problem = Path(folder), None
    pointer = folder / POINTER
    named = [folder / pointer.read_text(encoding='utf-8').strip()] if pointer.is_file() else []
    others = sorted(folder.glob('iter_*.pth'), key=iteration_of, reverse=True)
    for file in [*named, *others]:
        try:
            read_checkpoint(file)
        except UsageError as error:
            problem = problem or error
            continue
        return file
    if problem:
        raise problem
    return None


def iteration_of(file: Path) -> int:
    """120 of ``iter_120.pth`` and of ``best_mIoU_fg_iter_120.pth``; -1 of a name without a number."""
    number = file.stem.rpartition('_')[2]
    return int(number) if number.isdecimal() else -1
