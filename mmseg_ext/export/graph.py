"""What an exported file computes: from plain images to probabilities and classes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmseg_ext.functional.tiling import missing

INPUT, OUTPUTS = 'image', ('probabilities', 'mask')


class PlainGraph(nn.Module):
    """A segmentor with all that surrounds it in testing: channel order, normalisation, padding, and its removal.

    ``forward(image (N, H, W, 3) uint8 RGB)`` gives ``probabilities`` (N, C, H, W) float32 in 0..1 (one map for a
    single-logit model) and ``mask`` (N, H, W) uint8, class indices: what ``Predictor.predict`` gives for the same
    image. Only tensor arithmetic, so that it can be traced, with the image's size as a constant or as a symbol.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.prepare = model.data_preprocessor
        self.threshold = getattr(model.decode_head, 'threshold', None)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and classes of every pixel."""
        height, width = image.shape[1:3]
        inputs = self._padded(self._normalised(image))
        size = tuple(inputs.shape[2:])
        meta = dict(ori_shape=(height, width), img_shape=(height, width), pad_shape=size)
        logits = self.model.inference(inputs, [meta])[..., :height, :width]
        if logits.shape[1] == 1:
            probabilities = logits.sigmoid()
            return probabilities, (probabilities[:, 0] > self.threshold).to(torch.uint8)
        return logits.softmax(1), logits.argmax(1).to(torch.uint8)

    def _normalised(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) float32 as SegDataPreProcessor makes it, which is told in terms of BGR images."""
        inputs = image.permute(0, 3, 1, 2).float()
        if not self.prepare._channel_conversion:
            inputs = inputs.flip(1)
        if self.prepare._enable_normalize:
            inputs = (inputs - self.prepare.mean) / self.prepare.std
        return inputs

    def _padded(self, inputs: Tensor) -> Tensor:
        """Padded at the right and at the bottom to a multiple, or to at least a size, as in testing."""
        settings, (height, width) = self.prepare.test_cfg or {}, inputs.shape[2:]
        if settings.get('size'):
            least = settings['size']
            below, right = torch.sym_max(least[0] - height, 0), torch.sym_max(least[1] - width, 0)
        elif settings.get('size_divisor'):
            below, right = (missing(side, settings['size_divisor']) for side in (height, width))
        else:
            return inputs
        return F.pad(inputs, (0, right, 0, below), value=self.prepare.pad_val)
