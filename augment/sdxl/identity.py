"""Which model made an image: names, revisions and hashes for manifests and caches."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from rich.progress import track

from augment.files import sha256
from augment.sdxl.source import ModelSource, kind, resolve
from augment.sdxl.upstream import StableDiffusionXLPipeline


def model_identity(pipe: StableDiffusionXLPipeline, source: ModelSource) -> dict[str, Any]:
    """Everything about the model that can change a pixel, as JSON can hold it.

    A hub model is named by its revision, files on this machine by SHA-256, the tiny model by its weights.
    """
    parts: dict[str, Any] = {'name': source.name, 'variant': source.variant}
    if source.kind == 'tiny':
        parts['weights'] = fingerprint(pipe.unet)
    else:
        parts.update(_origin('model', source.name, source.variant, top=False))
    for part in ('lora', 'vae'):
        if name := getattr(source, part):
            parts[part] = {'name': name, **_origin(part, name, top=True)}
    if source.lora:
        parts['lora']['scale'] = source.lora_scale
    parts['prediction_type'] = pipe.scheduler.config.prediction_type
    parts['dtype'] = str(pipe.unet.dtype).removeprefix('torch.')
    parts['versions'] = {name: version(name) for name in ('torch', 'diffusers', 'transformers')}
    return parts


def hashes(path: Path) -> dict[str, str]:
    """SHA-256 of a weight file, or of all weight and configuration files of a folder, by name within it.

    Beside the index of a pipeline lies what is said about it, and no part of it.
    """
    if path.is_file():
        return {path.name: sha256(path)}
    index = path / 'model_index.json'
    files = [file for file in sorted(path.rglob('*')) if file.suffix in ('.safetensors', '.json', '.txt')]
    files = [file for file in files if file == index or file.parent != path or not index.is_file()]
    shown = track(
        files, 'hashing the model', transient=True, disable=sum(f.stat().st_size for f in files) < 1 << 30
    )
    return {file.relative_to(path).as_posix(): sha256(file) for file in shown}


def fingerprint(part: torch.nn.Module) -> str:
    """SHA-256 of a module's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(part.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().numpy().tobytes())
    return digest.hexdigest()


def _origin(what: str, name: str, variant: str | None = None, *, top: bool) -> dict[str, Any]:
    """The revision of a hub model, which is the name of its folder in the hub's cache, or the hashes of files."""
    path = resolve(what, name, offline=True, variant=variant, top=top)
    return {'revision': path.name} if kind(name) == 'hub' else {'files': hashes(path)}
