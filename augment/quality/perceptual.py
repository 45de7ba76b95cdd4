"""Scores of networks, LPIPS and directional CLIP similarity, which need weights of their own.

They are measured only where their gate is set, so that nobody fetches gigabytes unasked; ``--gate lpips=1`` and
``--gate clip=-1`` measure without refusing anything.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from augment.config.settings import GateSettings
from augment.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from augment.editing.photo import EditedPhoto

CLIP = 'openai/clip-vit-large-patch14'  # the one of PIE-Bench
CURES = {
    'lpips': "pip install -e '.[metrics]', and torchvision fetches the weights of AlexNet once",
    'clip': f"pip install -e '.[augment]' and hf download {CLIP}",
}
# Not installed; no weights; weights that do not fit; a torchvision that was built for another torch.
UNAVAILABLE = (ImportError, OSError, ValueError, RuntimeError)


class Perceptual:
    """The networks that a run measures with; what is None is not measured, its score is NaN.

    ``lpips_network`` maps two (1, 3, H, W) fp32 pictures in -1..1 to their distance. ``clip_network`` is a
    transformers CLIPModel, ``processor`` its CLIPProcessor.
    """

    def __init__(
        self,
        source_prompt: str = '',
        lpips_network: Callable[[Tensor, Tensor], Tensor] | None = None,
        clip_network: Any = None,
        processor: Any = None,
        device: str = 'cpu',
    ):
        self.source_prompt, self.device = source_prompt, device
        self.lpips_network, self.clip_network, self.processor = lpips_network, clip_network, processor

    def lpips(self, before: np.ndarray, after: np.ndarray) -> float:
        """Perceptual distance of two whole photographs, 0 for equal ones (Zhang et al. 2018, AlexNet)."""
        if self.lpips_network is None:
            return float('nan')
        import torch

        with torch.no_grad():
            return float(self.lpips_network(self._signed(before), self._signed(after)))

    def clip(self, before: np.ndarray, edited: EditedPhoto) -> float:
        """Cosine, -1..1, of two moves in CLIP's space: of the windows' pictures by the edit, and from the source
        prompt to the target prompt (Gal et al. 2022, StyleGAN-NADA); the mean over windows. NaN without a move."""
        if self.clip_network is None:
            return float('nan')
        import torch

        with torch.no_grad():
            words = self._text([self.source_prompt, edited.target_prompt])
            moves = [self._pictures([p[w.slices] for p in (before, edited.image)]) for w in edited.windows]
        cosines = [_cosine(move[1] - move[0], words[1] - words[0]) for move in moves]
        return float(np.mean(cosines)) if cosines else float('nan')

    def _signed(self, image: np.ndarray) -> Tensor:
        import torch

        return torch.from_numpy(image).to(self.device).permute(2, 0, 1)[None].float() / 127.5 - 1

    def _text(self, prompts: list[str]) -> np.ndarray:
        tokens = self.processor(text=prompts, return_tensors='pt', padding=True).to(self.device)
        return _units(self.clip_network.get_text_features(**tokens))

    def _pictures(self, images: list[np.ndarray]) -> np.ndarray:
        pixels = self.processor(images=images, return_tensors='pt').to(self.device)
        return _units(self.clip_network.get_image_features(**pixels))


def load_perceptual(
    gates: GateSettings, source_prompt: str, device: str = 'cpu', offline: bool = False
) -> Perceptual | None:
    """The networks that the gates name, None if they name none; UsageError, with the cure, if one is missing."""
    wanted = [name for name in CURES if getattr(gates, name) is not None and gates.mode != 'off']
    if not wanted:
        return None
    parts: dict[str, Any] = {}
    for name in wanted:
        try:
            parts |= _LOADERS[name](device, offline)
        except UNAVAILABLE as error:
            reason = str(error).strip().partition('\n')[0]
            raise UsageError(f'the gate {name} cannot be measured: {reason}; get it: {CURES[name]}') from error
    return Perceptual(source_prompt, device=device, **parts)


def _load_lpips(device: str, offline: bool) -> dict[str, Any]:
    image = import_module('torchmetrics.image')
    if offline:
        _require_alexnet()
    network = image.LearnedPerceptualImagePatchSimilarity(net_type='alex').to(device)
    return {'lpips_network': network}


def _require_alexnet() -> None:
    """Raise OSError where torchvision would have to download."""
    import torch

    folder = Path(torch.hub.get_dir()) / 'checkpoints'
    if not list(folder.glob('alexnet-*.pth')):
        raise FileNotFoundError(f'no alexnet-*.pth in {folder}')


def _load_clip(device: str, offline: bool) -> dict[str, Any]:
    transformers = import_module('transformers')
    network = transformers.CLIPModel.from_pretrained(CLIP, local_files_only=offline).eval().to(device)
    processor = transformers.CLIPProcessor.from_pretrained(CLIP, local_files_only=offline)
    return {'clip_network': network.requires_grad_(False), 'processor': processor}


_LOADERS = {'lpips': _load_lpips, 'clip': _load_clip}


def _units(features: Any) -> np.ndarray:
    """Rows (N, D) of length 1; newer transformers wrap the features into an output."""
    rows = getattr(features, 'pooler_output', features).float().cpu().numpy()
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / length) if length else float('nan')
