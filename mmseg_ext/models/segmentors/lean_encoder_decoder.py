"""mmseg's EncoderDecoder without the work that no result needs."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmseg.models import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.utils import SampleList, add_prefix
from torch import Tensor, nn

from mmseg_ext.models.decode_heads.common_loss import has_common_loss, head_losses, stacked_fields


@MODELS.register_module()
class LeanEncoderDecoder(EncoderDecoder):
    """EncoderDecoder with the same losses, gradients and predictions, but without ``acc_seg``.

    The pixel accuracy that every head of mmseg logs costs a fifth of a step on a CPU, makes a GPU wait for the
    host twice a head, and says nothing where 99.8 % of the pixels are background. Labels are stacked once
    for all heads, and logits enter the loss in the usual memory format, whatever that of the network.

    A head that defines its losses itself (DAHead, EncHead, PointHead, ...) or samples pixels is left to do so.

    Args:
        cpu_channels_last: whether the network trains faster on a CPU with channels last in memory; the Runner then
            does so there. Separable convolutions do (Fast-SCNN), ResNets do not.
        options: those of EncoderDecoder.
    """

    def __init__(self, cpu_channels_last: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.cpu_channels_last = cpu_channels_last
        self.compiled: dict[str, Callable] | None = None

    def loss(self, inputs: Tensor, data_samples: SampleList) -> dict[str, Tensor]:
        """``decode.<loss>``, and ``aux_<k>.<loss>`` or ``aux.<loss>``, of images (N, 3, H, W)."""
        parts = self.compiled or self.parts()
        features = parts['features'](inputs)
        return self._losses(features, lambda name: parts[name](features), data_samples)

    def predict_with_losses(
        self, inputs: Tensor, data_samples: SampleList, labelled: SampleList
    ) -> tuple[SampleList, list[dict[str, Tensor]]]:
        """What ``predict`` returns, and the losses of each image by itself, from one pass through the network.

        ``labelled`` are the same images (N, 3, H, W) with labels of their size, which those of ``data_samples``
        need not have. Where prediction goes window by window, the whole images pass the network once more.
        """
        features, heads = self.extract_feat(inputs), self._heads()
        logits = {name: head(features) for name, head in heads.items() if has_common_loss(head)}
        losses = []
        for index, sample in enumerate(labelled):
            one = slice(index, index + 1)
            own = {name: values[one] for name, values in logits.items()}
            losses.append(self._losses([level[one] for level in features], own.__getitem__, [sample]))
        if self.test_cfg.mode != 'whole':
            return self.predict(inputs, data_samples), losses
        metas = [sample.metainfo for sample in data_samples]
        if 'decode' in logits:
            whole = self.decode_head.predict_by_feat(logits['decode'], metas)
        else:
            whole = self.decode_head.predict(features, metas, self.test_cfg)
        return self.postprocess_result(whole, data_samples), losses

    def _losses(
        self, features: Sequence[Tensor], logits: Callable[[str], Tensor], data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Losses of all heads; ``logits`` says what the heads with common losses make of the ``features``."""
        label = torch.stack([sample.gt_sem_seg.data.squeeze(0) for sample in data_samples]).long()
        made, losses = stacked_fields(data_samples), {}
        for name, head in self._heads().items():
            if has_common_loss(head):
                terms = head_losses(head, logits(name), label, made)
            else:
                terms = head.loss(features, data_samples, self.train_cfg)
            losses.update(add_prefix(terms, name))
        return losses

    def parts(self) -> dict[str, Callable]:
        """The functions of a forward pass: ``features`` of images, then each head under the name of its losses."""
        return {'features': self.extract_feat, **self._heads()}

    def compile_parts(self, **options: object) -> None:
        """Train with compiled parts from now on; ``options`` are those of ``torch.compile``.

        Only tensors go in and out of a part, so that nothing interrupts its graph; samples, losses and logging
        stay outside. Prediction stays as it is: images of every size would be compiled one after the other.
        """
        self.compiled = {name: torch.compile(part, **options) for name, part in self.parts().items()}

    def _heads(self) -> dict[str, nn.Module]:
        auxiliary = self.auxiliary_head if self.with_auxiliary_head else nn.ModuleList()
        if not isinstance(auxiliary, nn.ModuleList):
            return {'decode': self.decode_head, 'aux': auxiliary}
        return {'decode': self.decode_head, **{f'aux_{index}': head for index, head in enumerate(auxiliary)}}
