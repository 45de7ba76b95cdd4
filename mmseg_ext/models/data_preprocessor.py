"""mmseg's SegDataPreProcessor for batches of crops, a batch at a time."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor

# What samples of crops may carry besides: maps for a loss, prompts; of K channels, where K may differ.
FIELDS = ('gt_distance', 'prompt_img', 'prompt_sem_seg')


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
            batch = super().forward(data, training)
            return _with_padded_fields(batch) if training else batch
        images, samples = self._sent(data['inputs']).float(), data['data_samples']
        names = ['gt_sem_seg', *(name for name in FIELDS if name in samples[0])]
        maps = {name: self._sent(even_channels([each.get(name).data for each in samples])) for name in names}
        if self._channel_conversion and images.shape[1] == 3:
            images = images.flip(1)
        if self._enable_normalize:
            images = images.sub(self.mean).div_(self.std)
        return dict(inputs=images, data_samples=_with_maps(samples, maps))

    def _is_plain(self, data: dict) -> bool:
        """Whether nothing is to be padded, no mask but that of the classes is there, and nothing is mixed.

        All samples or none must have a field of ``FIELDS``.
        """
        shapes = {image.shape for image in data['inputs']}
        fields = {frozenset(sample.keys()) - {'gt_sem_seg'} for sample in data['data_samples']}
        size, divisor = self.size, self.size_divisor
        if (
            len(shapes) != 1
            or len(fields) != 1
            or not fields.pop() <= {*FIELDS}
            or self.batch_augments is not None
        ):
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


def even_channels(maps: Sequence[Tensor]) -> Sequence[Tensor]:
    """Maps (K, H, W) with zeros behind, so that all have as many channels as the longest."""
    most = max(map(len, maps))
    return [each if len(each) == most else F.pad(each, (0, 0, 0, 0, 0, most - len(each))) for each in maps]


def _with_maps(samples: list, maps: dict[str, Tensor]) -> list:
    """New samples with ``maps`` {field: (N, K, H, W)} and what mmseg notes of the (absent) padding."""
    size = maps['gt_sem_seg'].shape[2:]
    noted = dict(img_shape=size, pad_shape=tuple(size), padding_size=(0, 0, 0, 0))
    batch = []
    for index, sample in enumerate(samples):
        batch.append(sample.new(**{name: PixelData(data=values[index]) for name, values in maps.items()}))
        batch[-1].set_metainfo(noted)
    return batch


def _with_padded_fields(batch: dict[str, Any]) -> dict[str, Any]:
    """``batch`` whose fields have the size of its inputs; mmseg pads the labels alone."""
    height, width = batch['inputs'].shape[2:]
    for sample in batch['data_samples'] or ():
        for name in FIELDS:
            if name in sample:
                data = sample.get(name).data
                padded = F.pad(data, (0, width - data.shape[2], 0, height - data.shape[1]))
                sample.set_data({name: PixelData(data=padded)})
    return batch
