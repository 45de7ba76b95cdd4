"""What all losses share: the one signature, the checks at the door, the precision."""

import torch
from torch import Tensor, nn


class SegmentationLoss(nn.Module):
    """A loss as mmseg's heads call it; a subclass says in ``compute`` what one batch costs.

    ``loss_name`` is the key in the log. mmengine optimises the sum of all keys that contain "loss"; two losses of
    a head that share a name are added under it. Half-precision logits are computed in float32, and autocast is off
    inside: sums over millions of pixels do not survive 10 bits.
    """

    takes_single_logit = False
    field: str | None = (
        None  # what a loader may add to a sample beside the label, so that the loss need not make it
    )
    indexes_by_label = True  # so that a stray label value fails by itself

    def __init__(self, loss_weight: float, loss_name: str) -> None:
        super().__init__()
        if not loss_name.startswith('loss_'):
            raise ValueError(
                f"{type(self).__name__}: loss_name {loss_name!r} does not start with 'loss_', and what is not "
                f"called a loss is logged but not optimised: call it 'loss_{loss_name}'"
            )
        self.loss_weight, self.loss_name = loss_weight, loss_name
        self.label_seen = False

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
        made: Tensor | None = None,
    ) -> Tensor:
        """0-d loss of logits (N, C, H, W) against label (N, H, W), int64 with 0..C-1 or ``ignore_index``.

        ``weight`` (N, H, W) multiplies what each pixel adds, not the number of pixels that a mean is divided by.
        ``made`` (N, K, H, W) is the ``field`` of the samples, if they have it; only a loss with a field takes it.
        """
        self._check(logits, label, ignore_index)
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits
            try:
                given = () if made is None else (made,)
                return self.current_weight() * self.compute(logits, label, weight, ignore_index, *given)
            except (IndexError, RuntimeError):
                if label.is_cpu:
                    check_label(label, max(logits.shape[1], 2), ignore_index, type(self).__name__)
                raise

    def compute(self, logits: Tensor, label: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
        """The loss before ``loss_weight``, 0-d; one with a ``field`` takes that as a fifth argument, or None."""
        raise NotImplementedError

    def current_weight(self) -> float:
        """What ``compute`` is multiplied by now."""
        return self.loss_weight

    def _check(self, logits: Tensor, label: Tensor, ignore_index: int) -> None:
        """Shapes always; label values in the first batch, and on the CPU where nothing else would notice.

        Looking at them costs as much as a loss, and makes an accelerator wait for the host. Later a stray value
        still stops the indexing: on the CPU that error is explained, on an accelerator it is a device-side
        assertion. The data check has looked at every file before a training starts.
        """
        name, channels = type(self).__name__, logits.shape[1]
        if channels == 1 and not self.takes_single_logit:
            raise ValueError(
                f'{name}: the logits have 1 channel, and a softmax over one class is always 1; take a loss of '
                'sigmoids for a single-logit head (BinaryCrossEntropyLoss, SigmoidFocalLoss, BCEDiceLoss), or '
                'give the head out_channels=2'
            )
        if label.shape != (logits.shape[0], *logits.shape[2:]):
            raise ValueError(
                f'{name}: label of shape {tuple(label.shape)} for logits of shape {tuple(logits.shape)}; '
                'expected (N, H, W) for (N, C, H, W)'
            )
        if not self.label_seen or (label.is_cpu and not self.indexes_by_label):
            check_label(label, max(channels, 2), ignore_index, name)
            self.label_seen = True


def check_label(label: Tensor, num_classes: int, ignore_index: int, owner: str) -> None:
    """Refuse a label value that is neither a class nor ``ignore_index``."""
    stray = ((label < 0) | (label >= num_classes)) & (label != ignore_index)
    if stray.any():
        raise ValueError(
            f'{owner}: label value {int(label[stray][0])} but {num_classes} classes (0..{num_classes - 1}, '
            f'{ignore_index} = ignored); is the mask encoded 0/255, is reduce_zero_label or the label map wrong, '
            'or num_classes of another data set?'
        )
