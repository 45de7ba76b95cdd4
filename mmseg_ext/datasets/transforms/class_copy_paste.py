"""Objects of rare classes, pasted from other photographs of the set."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import copy
from collections.abc import Iterable, Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmseg.registry import TRANSFORMS

from mmseg_ext.errors import DataError

from .blending import BLENDS
from .class_presence import classes_present
from .cutout import Cutout, changed, cut_objects, overlap

ATTEMPTS = 10
POSITIONS = ('anywhere', 'same')


@TRANSFORMS.register_module()
class ClassCopyPaste(BaseTransform):
    """Paste objects of the wanted classes onto a photograph, and into its label.

    With probability ``prob`` a class is drawn uniformly among the wanted ones that occur in the set, so that the
    rarest comes as often, then another photograph that holds it, which goes through the steps of the pipeline that
    stand before this one. Of the connected components of that class in it up to ``max_objects`` are pasted, each
    resized and mirrored at random. A photograph in which none is left is replaced by another, at most ten times.

    The label becomes the class on every pixel of the object, also where it was ignored: what is there is known
    now. Ignored pixels of the other photograph are no part of an object, and its label 255 is never taken over.
    No object covers a pixel of a wanted class, whether it was there or has been pasted: up to ten places are
    tried, then the object is left out; so is one of which fewer than ``min_pixels`` pixels would be seen. Other
    classes may be covered.

    Which photographs hold which class is found when the data set is built, by reading all masks once. Random
    numbers come from numpy's global generator, which mmengine seeds in every worker. The method is the copy-paste
    of Ghiasi et al. 2021 (arXiv 2012.07177), who also resize and mirror and keep the place (``position='same'``).

    Stands directly in the pipeline of a CheckedSegDataset or one derived from it; behind LoadPair for objects as
    they are, behind DefectCrop for objects as its windows show them. ConcatDataset pastes within each part.

    Required Keys: img (H, W, 3) uint8, gt_seg_map (H, W), seg_fields without any other mask, sample_idx

    Modified Keys: img, gt_seg_map (new arrays)

    Args:
        classes: Wanted mask values; None means all but 0 (background) and ``ignore_index``.
        prob: Share of the photographs, 0..1, onto which something is to be pasted.
        blend: 'none' (hard edges), 'feather' (surroundings fade out) or 'poisson' (the target's light and colour).
        max_objects: Most objects pasted at once; the number is drawn uniformly from 1 to it.
        min_pixels: Fewest pixels of an object, in its own photograph and where it is pasted.
        position: 'anywhere' (whole, if it fits) or 'same' (as far from each border, relative to the size).
        scale: Lowest and highest resize ratio, drawn uniformly.
        flip: Probability 0..1 that an object is mirrored left to right.
        margin: Pixels around the object that 'feather' and 'poisson' blend.
        ignore_index: Mask value that is never wanted.

    Raises:
        ValueError: an argument out of its range.
        DataError: no mask of the set holds any of ``classes``.
    """

    def __init__(
        self,
        classes: Sequence[int] | None = None,
        prob: float = 0.5,
        blend: str = 'feather',
        max_objects: int = 3,
        min_pixels: int = 16,
        position: str = 'anywhere',
        scale: Sequence[float] = (0.8, 1.25),
        flip: float = 0.5,
        margin: int = 3,
        ignore_index: int = 255,
    ) -> None:
        _check_choices(blend=(blend, BLENDS), position=(position, POSITIONS))
        _check_range(0, 1, prob=prob, flip=flip)
        _check_range(1, np.inf, max_objects=max_objects, min_pixels=min_pixels)
        _check_range(0, np.inf, margin=margin)
        if len(scale) != 2 or not 0 < scale[0] <= scale[1] < np.inf:
            raise ValueError(f'scale is (lowest, highest) ratio with 0 < lowest <= highest, got {scale}')
        if classes is not None and (not len(classes) or ignore_index in classes):
            raise ValueError(
                f'classes are the wanted mask values, at least one and never ignore_index {ignore_index}, got '
                f'{classes}; None wants every class but 0'
            )
        self.classes = None if classes is None else tuple(classes)
        self.prob, self.blend, self.position, self.flip = prob, blend, position, flip
        self.max_objects, self.min_pixels, self.margin = max_objects, min_pixels, margin
        self.scale, self.ignore_index = tuple(scale), ignore_index
        self._before: list = []
        self._donors: dict[int, list[dict]] | None = None

    def take_from(self, dataset: BaseDataset) -> None:
        """Find out which images of the data set, in whose pipeline this step stands, hold the wanted classes."""
        steps = dataset.pipeline.transforms
        self._before, self._donors = steps[: steps.index(self)], {}
        for index, values in enumerate(classes_present(dataset)):
            for value in sorted(filter(self._is_wanted, values)):
                self._donors.setdefault(value, []).append(dataset.get_data_info(index))
        if self.classes is not None and not self._donors:
            raise DataError(
                f'ClassCopyPaste: none of the {len(dataset)} masks holds any of the classes {list(self.classes)}; '
                'correct classes, or leave the step out'
            )

    def transform(self, results: dict) -> dict:
        """Paste something, or not. Raises ValueError where the step cannot do its work in this pipeline."""
        self._check_pipeline(results)
        if np.random.random_sample() >= self.prob:
            return results
        value, objects = self._draw_objects(results['sample_idx'])
        if objects:
            results['img'], results['gt_seg_map'] = results['img'].copy(), results['gt_seg_map'].copy()
        for cutout in objects:
            self._paste(cutout, value, results['img'], results['gt_seg_map'])
        return results

    def _draw_objects(self, target: int) -> tuple[int, list[Cutout]]:
        """A class and some objects of it from one image other than the target; none, where none is found."""
        for _ in range(ATTEMPTS if self._donors else 0):
            value = int(np.random.choice(sorted(self._donors)))
            others = [info for info in self._donors[value] if info['sample_idx'] != target]
            if not others:
                continue
            donor = copy.deepcopy(others[np.random.randint(len(others))])
            for step in self._before:
                donor = step(donor)
            found = cut_objects(donor['img'], donor['gt_seg_map'], value, self.min_pixels, self.margin)
            if found:
                order = np.random.permutation(len(found))[: np.random.randint(self.max_objects) + 1]
                return value, [self._jittered(found[place]) for place in order]
        return 0, []

    def _jittered(self, cutout: Cutout) -> Cutout:
        low, high = self.scale
        return changed(cutout, np.random.uniform(low, high), np.random.random_sample() < self.flip)

    def _paste(self, cutout: Cutout, value: int, image: np.ndarray, label: np.ndarray) -> None:
        """Write the object into image and label, where a place for it is found."""
        for _ in range(ATTEMPTS if self.position == 'anywhere' else 1):
            here, there = overlap(self._draw_corner(cutout, label.shape), cutout.shape.shape, label.shape)
            shape = cutout.shape[there]
            if np.count_nonzero(shape) >= self.min_pixels and not self._hides(label[here][shape]):
                image[here] = BLENDS[self.blend](image[here], cutout.image[there], shape, self.margin)
                label[here][shape] = value
                return

    def _draw_corner(self, cutout: Cutout, size: tuple[int, int]) -> list[int]:
        """Row and column of the cutout's upper left corner, which may be outside an image of ``size``."""
        corner = []
        for side, share, length in zip(cutout.box, cutout.centre, size, strict=True):
            room = length - (side.stop - side.start)
            if self.position == 'same':
                start = round(share * length - (side.stop - side.start) / 2)
            else:  # an object larger than the image covers it from border to border
                start = np.random.randint(min(room, 0), max(room, 0) + 1)
            corner.append(int(start) - side.start)
        return corner

    def _hides(self, labels: np.ndarray) -> bool:
        """Whether one of the labels is wanted."""
        return any(map(self._is_wanted, np.unique(labels).tolist()))

    def _is_wanted(self, value: int) -> bool:
        return value not in (0, self.ignore_index) if self.classes is None else value in self.classes

    def _check_pipeline(self, results: dict) -> None:
        if self._donors is None:
            raise ValueError(
                'ClassCopyPaste knows no other images; put it directly in the pipeline of a CheckedSegDataset, '
                'not inside another transform'
            )
        others = set(results['seg_fields']) - {'gt_seg_map'}
        if others:
            raise ValueError(f'ClassCopyPaste cannot paste into {sorted(others)}; put it before what adds them')

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(classes={self.classes}, prob={self.prob}, blend={self.blend!r}, '
            f'max_objects={self.max_objects}, min_pixels={self.min_pixels}, position={self.position!r}, '
            f'scale={self.scale}, flip={self.flip}, margin={self.margin}, ignore_index={self.ignore_index})'
        )


def _check_choices(**arguments: tuple[str, Iterable[str]]) -> None:
    for name, (value, choices) in arguments.items():
        if value not in choices:
            raise ValueError(f'{name} is one of {", ".join(choices)}, got {value!r}')


def _check_range(low: float, high: float, **arguments: float) -> None:
    for name, value in arguments.items():
        if not low <= value <= high:
            raise ValueError(f'{name} is between {low} and {high}, got {value}')
