"""Distances to the contours of each class, made where a loader has time for them."""

import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.boundary import signed_distance


@TRANSFORMS.register_module()
class SignedDistance(BaseTransform):
    """Give KervadecBoundaryLoss what it would otherwise compute between two steps of the network: ``gt_distance``.

    Distances are those of the label as it stands at the end of the pipeline, so they follow every crop, flip and
    change of size, and are to the last bit those of the loss itself. Workers make them beside the training. Maps
    reach up to the highest class of the window, one at least: which classes a data set has need not be said here.

    Stands behind PackSegInputs, at the end of a pipeline for training.

    Required Keys: data_samples.gt_sem_seg

    Added Keys: data_samples.gt_distance (K, H, W) float32, of the classes 1 to K

    Args:
        ignore_index: Label of pixels that belong to no class.
    """

    def __init__(self, ignore_index: int = 255) -> None:
        self.ignore_index = ignore_index

    def transform(self, results: dict) -> dict:
        """Add the maps. Raises UsageError where nothing is packed yet."""
        if 'data_samples' not in results:
            raise UsageError('SignedDistance stands behind PackSegInputs, at the end of the pipeline')
        sample = results['data_samples']
        label = sample.gt_sem_seg.data[0].numpy()
        highest = label.max(initial=0, where=label != self.ignore_index)
        maps = signed_distance(label, max(int(highest), 1))
        sample.gt_distance = PixelData(data=torch.from_numpy(maps))
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(ignore_index={self.ignore_index})'
