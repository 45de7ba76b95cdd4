"""In-context tuning (Wang et al. 2023, arXiv 2304.03284): a prompt is learnt, the network stays as it is."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmseg_ext.datasets.transforms.decode import read_image, read_mask
from mmseg_ext.errors import UsageError

INITS = ('kaiming', 'mean', 'pair')
LEARN = ('both', 'image')
Pair = tuple[str, str]


class LearnablePrompt(BaseModule):
    """``num`` prompts, each an image and a painted mask (3, S, S) of numbers that an optimiser changes.

    With 448 pixels and one prompt these are 1,204,224 numbers.

    Args:
        size: S.
        num: k; the query is answered by all of them together.
        init: what they start from: 'kaiming' (noise), 'mean' (the mean colour), or 'pair' (photographs and their
            labels, which the segmentor reads when a training starts).
        learn: 'both', or 'image' to keep the painted masks of ``pair`` as they are.
        pair: paths of (photograph, label), or a list of ``num`` of them.

    UsageError for options that do not go together.
    """

    def __init__(
        self,
        size: int,
        num: int = 1,
        init: str = 'kaiming',
        learn: str = 'both',
        pair: Pair | Sequence[Pair] | None = None,
    ) -> None:
        super().__init__()
        self.pairs = _pairs(pair)
        _check(num, init, learn, self.pairs)
        self.image = nn.Parameter(torch.zeros(num, 3, size, size))
        self.target = nn.Parameter(torch.zeros(num, 3, size, size), requires_grad=learn == 'both')
        if init == 'kaiming':
            nn.init.kaiming_normal_(self.image)
            nn.init.kaiming_normal_(self.target)

    def start_from(self, images: Tensor, targets: Tensor) -> None:
        """Take over ``images`` and painted masks (k, 3, S, S), both normalised."""
        with torch.no_grad():
            self.image.copy_(images)
            self.target.copy_(targets)


def _pairs(pair: Pair | Sequence[Pair] | None) -> list[Pair]:
    if not pair:
        return []
    return [tuple(pair)] if isinstance(pair[0], str) else [tuple(each) for each in pair]


def _check(num: int, init: str, learn: str, pairs: Sequence[Pair]) -> None:
    if not isinstance(num, int) or num < 1:
        raise UsageError(f'learnable_prompt.num={num!r}: expected a number of prompts, 1 or more')
    for name, value, known in (('init', init, INITS), ('learn', learn, LEARN)):
        if value not in known:
            raise UsageError(f'learnable_prompt.{name}={value!r}: expected {", ".join(known)}')
    if learn == 'image' and init != 'pair':
        raise UsageError(
            f"learnable_prompt.learn='image' keeps painted masks, which init={init!r} has none of; 'pair'"
        )
    if init == 'pair' and (len(pairs) != num or any(len(each) != 2 for each in pairs)):
        raise UsageError(
            f"learnable_prompt.init='pair': {num} pair(s) of (photograph, label) needed, got {pairs}; "
            'give learnable_prompt.pair'
        )


def read_pairs(pairs: Sequence[Pair], num_classes: int) -> tuple[list[Tensor], list[Tensor]]:
    """Photographs (3, h, w) uint8 BGR and labels (h, w) uint8 of the files; UsageError for others."""
    images, labels = [], []
    for photograph, label in pairs:
        try:
            images.append(torch.from_numpy(read_image(photograph)).permute(2, 0, 1))
            labels.append(torch.from_numpy(read_mask(label)))
        except (OSError, ValueError) as error:
            raise UsageError(f'learnable_prompt.pair: {photograph}, {label}: {error}') from error
        foreign = set(labels[-1].unique().tolist()) - {*range(num_classes), 255}
        if foreign:
            raise UsageError(
                f'learnable_prompt.pair: {label}: values {sorted(foreign)}, and the classes are 0 to '
                f'{num_classes - 1} (255 ignored)'
            )
    return images, labels
