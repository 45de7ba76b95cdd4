"""Test-time augmentation: a network is asked about several views of each image, and answers with their mean."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.views import View, mean_logits

STRIDE = 32  # what the strides of the usual networks divide
SCALES = 0.1, 4.0  # the smallest and the largest
Inference = Callable[[Tensor, list[dict]], Tensor]
GRAMMAR = 'flip, vflip, scales=0.75,1,1.25'


@dataclass(frozen=True)
class Views:
    """The views of an image: at each of the ``scales``, as it is and mirrored left to right (``flip``), top to
    bottom (``vflip``), or both. UsageError for scales that are none."""

    flip: bool = False
    vflip: bool = False
    scales: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        smallest, largest = SCALES
        wrong = [scale for scale in self.scales if not smallest <= scale <= largest]
        if wrong or not self.scales or len(set(self.scales)) < len(self.scales):
            value = ','.join(f'{scale:g}' for scale in wrong or self.scales)
            raise UsageError(
                f'tta scales={value}: expected numbers from {smallest:g} to {largest:g}, each once, '
                'such as scales=0.75,1,1.25'
            )

    @classmethod
    def parse(cls, words: str | Sequence[str]) -> 'Views':
        """The views that ``flip``, ``vflip`` and ``scales=0.75,1,1.25`` ask for, in a text or one by one.

        Without any word it is ``flip``. UsageError for any other word.
        """
        words = words.split() if isinstance(words, str) else list(words)
        options = {}
        for word in words or ['flip']:
            name, _, value = word.partition('=')
            if (word not in ('flip', 'vflip') and name != 'scales') or name in options:
                raise UsageError(f'tta {word!r}: expected {GRAMMAR}, each at most once')
            options[name] = _numbers(value) if name == 'scales' else True
        return cls(**options)

    def __iter__(self) -> Iterator[View]:
        vflips, flips = ((False, True)[: 1 + mirrored] for mirrored in (self.vflip, self.flip))
        for scale, vflip, flip in itertools.product(self.scales, vflips, flips):
            yield View(flip, vflip, scale)

    def __str__(self) -> str:
        """The words that ``parse`` understands."""
        scales = ','.join(f'{scale:.15g}' for scale in self.scales)
        words = ('flip' * self.flip, 'vflip' * self.vflip, f'scales={scales}' * (self.scales != (1.0,)))
        return ' '.join(filter(None, words)) or 'scales=1'


def set_views(model: nn.Module, views: Views) -> None:
    """Let ``model.inference``, by which all prediction goes, answer with the mean of ``views``.

    UsageError for a model that has no such method, unlike those of mmseg.
    """
    if not hasattr(model, 'inference'):
        raise UsageError(f'model: {type(model).__name__} has no method "inference", as EncoderDecoder has; no tta')
    model.inference = partial(_mean_inference, model.inference, tuple(views), input_multiple(model))


def input_multiple(model: nn.Module) -> int:
    """What should divide the sides of the images that ``model`` sees."""
    settings = getattr(model.data_preprocessor, 'test_cfg', None) or {}
    return math.lcm(STRIDE, settings.get('size_divisor') or 1)


def _mean_inference(
    inference: Inference, views: Sequence[View], multiple: int, inputs: Tensor, metas: list[dict]
) -> Tensor:
    """Logits (N, C, H, W) of inputs (N, 3, H, W): those of the only view as they are, or the mean of several."""

    def answer(view: View) -> Tensor:
        seen = view.of(inputs, multiple)
        size = tuple(seen.shape[2:])  # no torch.Size, by which mmseg knows the windows of a sliding one
        shapes = dict(img_shape=size, pad_shape=size) if view.scale != 1 else {}
        return view.back(inference(seen, [dict(meta, **shapes) for meta in metas]), tuple(inputs.shape[2:]))

    return answer(views[0]) if len(views) == 1 else mean_logits(map(answer, views))


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(','))
    except ValueError:
        raise UsageError(f'tta scales={text}: expected numbers, such as scales=0.75,1,1.25') from None
