"""Several outputs of one network, each of which learns; the last one predicts."""

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_ext.models.decode_heads.common_loss import head_losses, stacked_fields


@MODELS.register_module()
class DeepSupervisionHead(BaseDecodeHead):
    """A 1 x 1 convolution to the classes on each of K features of one width (Lee et al. 2015,
    https://arxiv.org/abs/1409.5185).

    Each loss is the mean over the K outputs; predictions are those of the last.

    Args:
        in_channels: Channels of the features, one number.
        num_outputs: K; the last K features of the backbone are taken.
        options: Those of mmseg's BaseDecodeHead, ``num_classes``, ``out_channels``, ``loss_decode`` and so on.
    """

    def __init__(self, in_channels: int, num_outputs: int = 4, **options) -> None:
        super().__init__(
            in_channels=[in_channels] * num_outputs,
            in_index=list(range(-num_outputs, 0)),
            input_transform='multiple_select',
            channels=in_channels,
            **options,
        )
        # The last one is conv_seg, which BaseDecodeHead has made.
        self.earlier = nn.ModuleList(nn.Conv2d(in_channels, self.out_channels, 1) for _ in range(num_outputs - 1))

    def forward(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Logits (N, C, H, W) of the last feature."""
        return self.cls_seg(inputs[self.in_index[-1]])

    def loss(
        self, inputs: tuple[Tensor, ...], batch_data_samples: SampleList, train_cfg: dict
    ) -> dict[str, Tensor]:
        """{name: mean over the outputs of that loss}."""
        label = torch.stack([sample.gt_sem_seg.data.squeeze(0) for sample in batch_data_samples]).long()
        features = self._transform_inputs(inputs)
        outputs = [
            output(feature) for output, feature in zip([*self.earlier, self.cls_seg], features, strict=True)
        ]
        made = stacked_fields(batch_data_samples)
        terms = [head_losses(self, logits, label, made) for logits in outputs]
        return {name: sum(each[name] for each in terms) / len(terms) for name in terms[0]}
