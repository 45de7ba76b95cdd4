"""Inversions on disk, so that further words for a photograph cost no second one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from augment.config.settings import EditSettings
from augment.files import replacing
from augment.inversion.result import Inversion, StepLog
from augment.sdxl.conditioning import Conditioning

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from augment.editing.editor import Editor
    from augment.inversion.ddim import Progress

# To be raised whenever an inversion with the same settings would come out differently.
CODE = 1
# Fields of the inversion settings that only an edit reads.
EDITING = ('pin_source', 'prox', 'prox_quantile')
# Fields that every method reads; null-text reads all.
PATH = ('method', 'fixed_point')


class InversionCache:
    """A folder with one safetensors file an inversion, named by a hash of all that it follows from.

    Files are written whole or not at all. One that is damaged is removed and counts as absent.

    Args:
        folder: Made when the first inversion is put there.
        model: What ``model_identity`` says of the model; inversions of another are never found.
    """

    def __init__(self, folder: Path | str, model: dict[str, Any]) -> None:
        self.folder, self.model = Path(folder), model

    def invert(
        self, editor: Editor, images: Sequence[np.ndarray], progress: Progress | None = None
    ) -> list[Inversion]:
        """What ``editor.invert(images)`` gives; only what is not here yet is computed, and then put here."""
        dtype = editor.runtime.precision(editor.pipe.unet.device)
        keys = [self.key(image, editor.settings.source_prompt, editor.settings, dtype) for image in images]
        found = {key: self.get(key) for key in keys}
        missing = {key: image for key, image in zip(keys, images, strict=True) if found[key] is None}
        if missing:
            for key, inversion in zip(missing, editor.invert([*missing.values()], progress=progress), strict=True):
                self.put(key, inversion)
                found[key] = inversion
        return [found[key] for key in keys]

    def key(self, image: np.ndarray, prompt: str, settings: EditSettings, dtype: torch.dtype) -> str:
        """Name of the inversion of ``image``, uint8 (H, W, 3), with everything that can change it."""
        inversion = asdict(settings.inversion)
        optimised = inversion['method'] == 'null-text'
        fields = [name for name in inversion if name not in EDITING] if optimised else PATH
        rli = {'alpha': settings.rli.alpha, 'where': sorted(settings.rli.where)}
        parts = {
            'code': CODE,
            'model': self.model,
            'dtype': str(dtype),
            'prompt': prompt,
            'steps': settings.steps,
            'size': image.shape,
            'rli': rli if settings.rli.alpha and settings.rli.where else None,
            'guidance': settings.guidance if optimised else None,
            'inversion': {name: inversion[name] for name in fields},
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
        digest.update(np.ascontiguousarray(image).tobytes())
        return digest.hexdigest()

    def get(self, key: str) -> Inversion | None:
        """The inversion ``key`` on the CPU, None where there is none."""
        path = self._path(key)
        try:
            return _read(path)
        except FileNotFoundError:
            return None
        except (SafetensorError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
            return None

    def put(self, key: str, inversion: Inversion) -> None:
        """Keep ``inversion`` as ``key``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(key)) as partial:
            partial.write_bytes(_packed(inversion))

    def _path(self, key: str) -> Path:
        return self.folder / f'{key}.safetensors'


def _packed(inversion: Inversion) -> bytes:
    tensors = {
        'pivots': inversion.pivots,
        'cond.seq': inversion.cond.seq,
        'cond.pooled': inversion.cond.pooled,
        'null.seq': inversion.null.seq,
        'null.pooled': inversion.null.pooled,
    }
    if inversion.reconstruction is not None:
        tensors['reconstruction'] = inversion.reconstruction
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    about = {
        'method': inversion.method,
        'losses': [asdict(log) for log in inversion.losses],
        'stalled': inversion.stalled,
        'sha256': _digest(tensors.items()),
    }
    return save(tensors, {'inversion': json.dumps(about)})


def _read(path: Path) -> Inversion:
    """The inversion in a file. Raises ValueError, KeyError, TypeError or SafetensorError when that is damaged."""
    with safe_open(path, 'pt') as file:
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
        about = json.loads((file.metadata() or {})['inversion'])
    if about['sha256'] != _digest(tensors.items()):
        raise ValueError(f'{path}: the tensors are not those that were written')
    return Inversion(
        pivots=tensors['pivots'],
        cond=Conditioning(tensors['cond.seq'], tensors['cond.pooled']),
        null=Conditioning(tensors['null.seq'], tensors['null.pooled']),
        method=about['method'],
        reconstruction=tensors.get('reconstruction'),
        losses=[StepLog(**log) for log in about['losses']],
        stalled=about['stalled'],
    )


def _digest(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """SHA-256 of named tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensor.numpy())
    return digest.hexdigest()
