"""mmseg's SegDataPreProcessor for batches of crops, a batch at a time."""

from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BatchDataPreProcessor(SegDataPreProcessor):
    """SegDataPreProcessor that sends and normalises a training batch as one tensor.

    mmseg copies every image and every mask to a GPU by itself and waits for each copy, which also waits for
    whatever the GPU still has to do: the host never gets ahead of it. Here a batch is two copies out of pinned
    memory that nobody waits for. Values are the same to the last bit. What is no batch of crops of one size, as in
    validation, goes mmseg's way.
    """

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """``inputs`` (N, 3, H, W) float32 and ``data_samples`` with their masks, all on the device."""
        if not (training and self._is_plain(data)):
            return super().forward(data, training)
        images = self._sent(data['inputs']).float()
        labels = self._sent([sample.gt_sem_seg.data for sample in data['data_samples']])
        if self._channel_conversion and images.shape[1] == 3:
            images = images.flip(1)
        if self._enable_normalize:
            images = images.sub(self.mean).div_(self.std)
        return dict(inputs=images, data_samples=_with_labels(data['data_samples'], labels))

    def _is_plain(self, data: dict) -> bool:
        """Whether nothing is to be padded, no mask but that of the classes is there, and nothing is mixed."""
        shapes = {image.shape for image in data['inputs']}
        fields = {name for sample in data['data_samples'] for name in sample.keys()}  # noqa: SIM118 no mapping
        size, divisor = self.size, self.size_divisor
        if len(shapes) != 1 or fields != {'gt_sem_seg'} or self.batch_augments is not None:
            return False
        height, width = shapes.pop()[-2:]
        if size is None:
            return divisor is not None and height % divisor == width % divisor == 0
        return divisor is None and height >= size[-2] and width >= size[-1]

    def _sent(self, tensors: list[Tensor]) -> Tensor:
        """The stacked tensors on the device, without waiting for it."""
        shape, pinned = (len(tensors), *tensors[0].shape), self.device.type == 'cuda'
        batch = torch.empty(shape, dtype=tensors[0].dtype, pin_memory=pinned)
        return torch.stack(tensors, out=batch).to(self.device, non_blocking=pinned)


def _with_labels(samples: list, labels: Tensor) -> list:
    """New samples with ``labels`` (N, 1, H, W) and what mmseg notes of the (absent) padding."""
    noted = dict(img_shape=labels.shape[2:], pad_shape=tuple(labels.shape[2:]), padding_size=(0, 0, 0, 0))
    batch = []
    for sample, label in zip(samples, labels, strict=True):
        batch.append(sample.new(gt_sem_seg=PixelData(data=label)))
        batch[-1].set_metainfo(noted)
    return batch
