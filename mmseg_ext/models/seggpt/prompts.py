"""Prompts as the network takes them, and the small file in which they are kept."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.files import replacing

FORMAT = 'seggpt-prompts-1'
TENSORS = ('images', 'targets', 'palette', 'mean', 'std')


@dataclass(frozen=True)
class Prompts:
    """k images, each with its mask painted in the colours of ``palette``, all for the same question.

    Attributes:
        images: (k, 3, S, S), normalised.
        targets: (k, 3, S, S), the painted masks, normalised as the images are.
        palette: (C, 3) RGB in 0..255, the colour of each class.
        mean: (3,) RGB in 0..255, what images and masks were normalised with.
        std: (3,)
        classes: names of the classes; empty where nobody has named them.
    """

    images: Tensor
    targets: Tensor
    palette: Tensor
    mean: Tensor
    std: Tensor
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape != self.targets.shape or not len(self.images):
            raise UsageError(
                f'prompts: images {tuple(self.images.shape)} and painted masks {tuple(self.targets.shape)} are no '
                'pairs of one size'
            )

    def __len__(self) -> int:
        """k."""
        return len(self.images)

    @property
    def size(self) -> int:
        """S, the side of the images in pixels."""
        return self.images.shape[-1]

    def to(self, device: torch.device | str) -> 'Prompts':
        """The same on a device."""
        return replace(self, **{name: getattr(self, name).to(device) for name in TENSORS})

    def save(self, path: str | Path) -> None:
        """Write them as a safetensors file, images and masks in half precision: 2.4 MB a prompt of 448 pixels."""
        from safetensors.torch import save_file  # comes with transformers

        tensors = {name: getattr(self, name).detach().cpu().contiguous() for name in TENSORS}
        tensors |= {name: tensors[name].half() for name in ('images', 'targets')}
        about = dict(format=FORMAT, classes=json.dumps(self.classes, ensure_ascii=False))
        with replacing(path) as partial:
            save_file(tensors, partial, about)

    @classmethod
    def load(cls, path: str | Path) -> 'Prompts':
        """Read what ``save`` wrote, in single precision; UsageError for any other file."""
        from safetensors import SafetensorError, safe_open  # comes with transformers

        path = Path(path).expanduser()
        if not path.is_file():
            raise UsageError(
                f'{path}: no such prompt file; in-context tuning writes train/ckpt/prompt.safetensors'
            )
        try:
            with safe_open(path, 'pt') as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name).float() for name in TENSORS if name in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise UsageError(f'{path}: no prompt file, or a damaged one ({error})') from error
        if about.get('format') != FORMAT or len(tensors) < len(TENSORS):
            raise UsageError(f'{path}: no prompt file; in-context tuning writes train/ckpt/prompt.safetensors')
        return cls(**tensors, classes=tuple(json.loads(about['classes'])))
