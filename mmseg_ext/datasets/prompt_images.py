"""One photograph of a pair, behind the pipeline, with the mask of what is asked for."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from mmengine.structures import PixelData

from mmseg_ext.datasets.prompt_types import BACKGROUND, IGNORED, Photograph, showing
from mmseg_ext.datasets.transforms import DefectCrop
from mmseg_ext.datasets.transforms.window import source_index
from mmseg_ext.errors import DataError


class Seen(NamedTuple):
    """What the pipeline made of a photograph: its ``results``, and ``target`` (H, W) of what is asked for."""

    results: dict[str, Any]
    target: np.ndarray

    @property
    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        return self.results['img']


class Aim(NamedTuple):
    """What a DefectCrop is put on: mask values (None: any defect), always or as often as the config says."""

    values: tuple[int, ...] | None
    always: bool = False
    min_pixels: int = 1


def see(photograph: Photograph, aim: Aim | None, asked: Sequence[int] | None) -> Seen:
    """Run the pipeline of the photograph's set on it, its crop on the ``aim`` (None: as the config says).

    ``asked`` are the mask values of the target; None keeps the mask as it is. Raises DataError, naming the file,
    for whatever the pipeline fails on, and for a mask that has another size than its image.
    """
    source = photograph.source
    try:
        results = source.get_data_info(photograph.index)
        for step in source.pipeline.transforms:
            results = (step if aim is None else _aimed(step, aim))(results)
        mask, size = results['gt_seg_map'], results['img'].shape[:2]
        if mask.shape[:2] != size:
            raise ValueError(f'the mask is {mask.shape[0]}x{mask.shape[1]}, the image {size[0]}x{size[1]}')
    except Exception as error:  # any transform may be in the pipeline
        raise source.explain(photograph.index, error) from error
    return Seen(results, mask if asked is None else showing(mask, asked))


def _aimed(step: Any, aim: Aim) -> Any:
    """A DefectCrop for these values; every other step as it is."""
    if not isinstance(step, DefectCrop):
        return step
    step = copy.copy(step)
    step.classes = aim.values
    if aim.always:
        step.prob, step.min_pixels = 1.0, aim.min_pixels
    return step


def of_one_size(prompts: Sequence[Seen]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and targets, brought to the largest height and width among them."""
    height, width = (max(prompt.target.shape[axis] for prompt in prompts) for axis in (0, 1))
    for prompt in prompts:
        if prompt.target.shape == (height, width):
            yield prompt.image, prompt.target
            continue
        rows, columns = (source_index(n, m) for n, m in zip((height, width), prompt.target.shape, strict=True))
        yield cv2.resize(prompt.image, (width, height)), prompt.target[rows][:, columns]


def check_one_size(query: Seen, prompts: Sequence[Seen]) -> None:
    """Raise DataError where a pipeline for training gave crops of several sizes."""
    sizes = {seen.target.shape for seen in (query, *prompts)}
    if len(sizes) > 1:
        said = ', '.join(f'{height} x {width}' for height, width in sorted(sizes))
        raise DataError(
            f'{query.results["img_path"]}: query and prompts come out of the pipeline as {said}; '
            "put dict(type='Pad', size=…) of the crop's width and height behind the crop"
        )


def prompt_fields(prompts: Sequence[Seen]) -> dict[str, PixelData]:
    """``prompt_img`` (3k, h, w) uint8 BGR and ``prompt_sem_seg`` (k, h, w) int64 of k prompts."""
    images, targets = zip(*of_one_size(prompts), strict=True)
    pixels = np.concatenate([image.transpose(2, 0, 1) for image in images])
    return dict(prompt_img=_field(pixels), prompt_sem_seg=_field(np.stack(targets).astype(np.int64)))


def own_field(query: Seen) -> PixelData:
    """(1, H, W) int64: 1 on any defect of the query, whatever it is asked for, 255 on ignored pixels."""
    mask = query.results['gt_seg_map'][None]
    return _field(np.where(mask == IGNORED, IGNORED, mask != BACKGROUND).astype(np.int64))


def _field(values: np.ndarray) -> PixelData:
    return PixelData(data=torch.from_numpy(np.ascontiguousarray(values)))
