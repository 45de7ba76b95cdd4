"""Any architecture on any encoder of segmentation_models_pytorch, as a segmentor like all others."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.tiling import missing
from mmseg_ext.models.segmentors.lean_encoder_decoder import LeanEncoderDecoder
from mmseg_ext.models.segmentors.smp_package import build_network

CROSS_ENTROPY = dict(type='MaskedCrossEntropyLoss')
STRIDE = 32  # what all decoders can halve; some need more than the encoder's own stride (DPT)


@MODELS.register_module()
class SMPSegmentor(LeanEncoderDecoder):
    """A network of segmentation_models_pytorch (https://github.com/qubvel-org/segmentation_models.pytorch).

    Its encoder, decoder and last layer are the ``backbone`` (weights ``backbone.network.encoder.…`` and so on),
    whose only feature is the logits. The ``decode_head`` holds the losses and how classes are decided, and no
    weights; so losses, prediction, export and all tools are those of other models.

    Args:
        arch: the name of an architecture, such as DeepLabV3Plus.
        encoder_name: the name of an encoder, such as resnet101, or ``tu-`` and a name of timm.
        num_classes: of the data set, the background included.
        encoder_weights: what the encoder starts from: a name that smp has for it, such as 'imagenet', or a file.
            It is found when a training starts, not when the network is built.
        in_channels: of the images.
        out_channels: None for a logit each class, 1 for a single logit that tells two classes apart.
        threshold: the probability above which a single logit means class 1.
        loss_decode: a loss, or a list of losses that add up.
        arch_options: of the architecture, such as ``dict(decoder_channels=(64, 32, 16, 8, 4))``.
        decode_head: any of the four options of the output by name, as recipes of all models state them; they stand
            above those given directly.
        auxiliary_head: empty, as in the base of all models; these networks have one output.
        test_cfg: how to predict, on whole images if left out.
        options: the other options of LeanEncoderDecoder (``data_preprocessor``, ``cpu_channels_last``, …).
    """

    def __init__(
        self,
        arch: str,
        encoder_name: str,
        num_classes: int | None = None,
        encoder_weights: str | None = None,
        in_channels: int = 3,
        out_channels: int | None = None,
        threshold: float = 0.5,
        loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
        arch_options: dict[str, Any] | None = None,
        decode_head: dict | None = None,
        auxiliary_head: Sequence[dict] = (),
        test_cfg: dict | None = None,
        **options: Any,
    ) -> None:
        given = dict(
            num_classes=num_classes, out_channels=out_channels, threshold=threshold, loss_decode=loss_decode
        )
        head = dict(given, **(decode_head or {}))
        if head['num_classes'] is None:
            raise UsageError('SMPSegmentor: num_classes is not given; wire it to that of the data set')
        if auxiliary_head:
            raise UsageError('SMPSegmentor: its networks have one output; leave auxiliary_head empty')
        network = dict(
            type=SMPNetwork,
            arch=arch,
            encoder_name=encoder_name,
            out_channels=head['out_channels'] or head['num_classes'],
            encoder_weights=encoder_weights,
            in_channels=in_channels,
            arch_options=arch_options,
        )
        super().__init__(
            backbone=network,
            decode_head=dict(head, type=LogitsHead),
            auxiliary_head=[],
            test_cfg=ConfigDict(test_cfg or dict(mode='whole')),
            **options,
        )


class SMPNetwork(BaseModule):
    """smp's network for images of any size, and what its encoder starts from; arguments as in SMPSegmentor."""

    def __init__(
        self,
        arch: str,
        encoder_name: str,
        out_channels: int,
        encoder_weights: str | None = None,
        in_channels: int = 3,
        arch_options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if encoder_weights and in_channels != 3:
            raise UsageError(
                f'SMPSegmentor: encoder_weights={encoder_weights!r} belong to images of 3 channels, and '
                f'in_channels is {in_channels}; leave out either'
            )
        self.network = build_network(arch, encoder_name, in_channels, out_channels, arch_options or {})
        self.encoder_name, self.encoder_weights = encoder_name, encoder_weights

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Logits (N, C, H, W) of images (N, in_channels, H, W).

        What decoders halve and double again has to divide the sides, so zeros (after normalisation the mean
        colour) are added at the right and at the bottom; what comes out for them is cut off again.
        """
        height, width = images.shape[2:]
        stride = math.lcm(STRIDE, self.network.encoder.output_stride)
        right, below = missing(width, stride), missing(height, stride)
        logits = self.network(F.pad(images, (0, right, 0, below)))
        return (logits[..., :height, :width],)

    def init_weights(self) -> None:
        """Load the file of ``encoder_weights``; everything else keeps what it was built with.

        UsageError for a name that nobody has turned into a file, and for weights of another encoder.
        """
        self._is_init = True
        if self.encoder_weights is None:
            return
        path = Path(self.encoder_weights)
        if not path.is_file():
            raise UsageError(f'encoder_weights {path}: no such file; tools/train.py finds names such as imagenet')
        try:
            self.network.encoder.load_state_dict(_read_weights(path))
        except RuntimeError as error:
            raise UsageError(f'{path}: pretrained weights of another encoder than {self.encoder_name}') from error


@MODELS.register_module()
class LogitsHead(BaseDecodeHead):
    """The head of a network whose first feature is the logits already: losses, classes and threshold alone.

    ``loss_decode``, ``ignore_index`` and ``align_corners`` are those of mmseg's BaseDecodeHead.
    """

    def __init__(
        self,
        num_classes: int,
        out_channels: int | None = None,
        threshold: float | None = 0.5,
        loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
        ignore_index: int = 255,
        align_corners: bool = False,
    ) -> None:
        channels = out_channels or num_classes
        super().__init__(
            in_channels=channels,
            channels=channels,
            num_classes=num_classes,
            out_channels=channels,
            threshold=threshold if channels == 1 else None,
            dropout_ratio=0.0,
            loss_decode=loss_decode,
            ignore_index=ignore_index,
            align_corners=align_corners,
            init_cfg=None,
        )
        del self.conv_seg  # the network has classified

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """The first of the features, logits (N, C, H, W)."""
        return inputs[0]


def _read_weights(path: Path) -> dict[str, Tensor]:
    """{name: tensor} of a file of either kind, without running code from it."""
    content = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    return content.get('state_dict', content)
