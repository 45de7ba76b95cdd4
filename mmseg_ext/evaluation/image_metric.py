"""What the metrics of this project share: an entry an image, errors that name the file."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmseg_ext.errors import DataError


class ImageMetric(BaseMetric):
    """A metric that keeps one entry an image, so that the padding of several processes is cut by image.

    A subclass says in ``measure_image`` what the entry of an image is (ValueError: it cannot be measured), and in
    ``pool_images`` which scores follow from all entries.

    Args:
        ignore_index: Label of pixels that are not scored.
        collect_device: 'cpu' or 'gpu', where the parts of several processes meet.
        prefix: Put before each key as ``<prefix>/``.
    """

    default_prefix = ''  # None would mean the same and log a warning at every start

    def __init__(self, ignore_index: int = 255, collect_device: str = 'cpu', prefix: str | None = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ignore_index = ignore_index

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Measure one batch. Raises DataError, naming the file, for an image that cannot be measured."""
        for sample in data_samples:
            try:
                self.results.append(self.measure_image(sample))
            except ValueError as error:
                path = sample.get('seg_map_path') or sample.get('img_path') or 'an image without a path'
                raise DataError(f'{path}: {error}') from None

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores of all images; DataError where there is none."""
        if not results:
            raise DataError(f'{type(self).__name__}: no image was scored; is the data set of this split empty?')
        return self.pool_images(results)

    def measure_image(self, sample: Mapping[str, Any]) -> Any:
        """What one image contributes."""
        raise NotImplementedError

    def pool_images(self, results: list) -> dict[str, float]:
        """The scores of what all images, at least one, contributed; logs them."""
        raise NotImplementedError


def masks_of(sample: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Prediction and label (H, W) of an image, class indices. ValueError where there is no label."""
    label, pred = label_of(sample), sample['pred_sem_seg']['data'].squeeze(0)
    # mmseg writes the decision of a single logit as 0.0 and 1.0.
    return pred.to(torch.uint8) if pred.is_floating_point() else pred, label


def label_of(sample: Mapping[str, Any]) -> Tensor:
    """The label (H, W) of an image, class indices. ValueError where there is none."""
    if 'gt_sem_seg' not in sample:
        raise ValueError('there is no mask to score against; does the pipeline lack LoadAnnotations?')
    return sample['gt_sem_seg']['data'].squeeze(0)
