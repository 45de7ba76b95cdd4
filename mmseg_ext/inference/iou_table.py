"""How well masks agree with labels, an image a line: the file that the source's inference leaves."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmseg_ext.datasets.pairs import IMAGE_SUFFIXES
from mmseg_ext.errors import DataError, listed
from mmseg_ext.files import write_text
from mmseg_ext.inference.defect_labels import find_files, meant, read_label
from mmseg_ext.inference.images import NamedImage

IOU_FILE = 'iou.txt'


class IouTable:
    """IoU of everything that is no background, for images whose labels lie in one folder.

    A label belongs to the image of the same name, folders included where names come twice. DataError, with a line
    each, for images without one.
    """

    def __init__(self, labels: str | Path, images: Sequence[NamedImage]):
        files = find_files(Path(labels))
        self.labels = {image.name: files.get(meant(image.path, files)) for image in images}
        self.values: dict[str, float] = {}
        missing = [f'{image.path}: no label of that name in {labels} ({" ".join(IMAGE_SUFFIXES)}); put it there'
                   for image in images if self.labels[image.name] is None]  # fmt: skip
        if missing:
            raise DataError(listed(missing))

    def add(self, image: NamedImage, mask: np.ndarray) -> None:
        """Measure the predicted ``mask`` (H, W) of an image. DataError for a label that cannot be used."""
        label = read_label(self.labels[image.name], mask.shape) > 0
        self.values[image.name] = defect_iou(mask > 0, label)

    @property
    def mean(self) -> float:
        """Of the images that have a value, 0..1; NaN without any."""
        known = [value for value in self.values.values() if not math.isnan(value)]
        return sum(known) / len(known) if known else math.nan

    def write(self, path: Path) -> None:
        """A line an image, name and IoU, the mean last; ``nan`` where neither label nor mask has a defect."""
        lines = [f'{name} {value:.4f}' for name, value in [*self.values.items(), ('mean', self.mean)]]
        write_text(path, '\n'.join(lines) + '\n')


def defect_iou(found: np.ndarray, labelled: np.ndarray) -> float:
    """Intersection over union of two masks (H, W) bool, 0..1; NaN where both are empty."""
    union = np.count_nonzero(found | labelled)
    return np.count_nonzero(found & labelled) / union if union else math.nan
