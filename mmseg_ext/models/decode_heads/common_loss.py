"""The losses of a head that are computed from all pixels, without what mmseg computes beside them."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.utils import SampleList
from torch import Tensor, nn

from mmseg_ext.models.data_preprocessor import FIELDS, even_channels


def has_common_loss(head: nn.Module) -> bool:
    """Whether the losses of ``head`` are those that BaseDecodeHead computes from all pixels."""
    return (
        isinstance(head, BaseDecodeHead)
        and type(head).loss is BaseDecodeHead.loss
        and type(head).loss_by_feat is BaseDecodeHead.loss_by_feat
        and head.sampler is None
    )


def stacked_fields(data_samples: SampleList) -> dict[str, Tensor]:
    """{name: (N, K, H, W)} of what the loader has made for the losses of ``data_samples``, if it has."""
    names = [name for name in FIELDS if all(name in sample for sample in data_samples)]
    return {name: torch.stack(even_channels([sample.get(name).data for sample in data_samples])) for name in names}


def head_losses(
    head: BaseDecodeHead, logits: Tensor, label: Tensor, made: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """{name: loss} of ``logits`` (N, C, h, w), resized to ``label`` (N, H, W); losses of one name are added up.

    ``made`` are the stacked fields of the samples, for losses that have such a ``field``.
    """
    # A handful of channels innermost would slow down each pass of the resizing and of the loss.
    logits = logits.contiguous()
    if logits.shape[2:] != label.shape[1:]:
        logits = F.interpolate(logits, label.shape[1:], mode='bilinear', align_corners=head.align_corners)
    criteria = head.loss_decode if isinstance(head.loss_decode, nn.ModuleList) else [head.loss_decode]
    losses: dict[str, Tensor] = {}
    for criterion in criteria:
        field = (made or {}).get(getattr(criterion, 'field', None))
        given = {} if field is None else {'made': field}
        value = criterion(logits, label, weight=None, ignore_index=head.ignore_index, **given)
        name = criterion.loss_name
        losses[name] = losses[name] + value if name in losses else value
    return losses
