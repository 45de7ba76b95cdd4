"""Export a trained model and prove that the file gives what the model gives."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.export.convert import LARGEST, OPSET, SMALLEST, convert
from mmseg_ext.export.facts import describe
from mmseg_ext.export.graph import PlainGraph
from mmseg_ext.export.packages import require_packages
from mmseg_ext.export.parity import Parity, compare
from mmseg_ext.files import replacing, writable_folder
from mmseg_ext.inference import Predictor, Tiling


class Export(NamedTuple):
    """What was written: the file, the height and width it was checked at, and how well it agrees."""

    path: Path
    size: tuple[int, int]
    parity: Parity


def export(
    cfg: Config,
    checkpoint: Path,
    path: Path,
    image: np.ndarray,
    recipe: str,
    size: tuple[int, int] | None = None,
    opset: int = OPSET,
    dynamic: bool = False,
    step: Callable[[str], None] = lambda what: None,
) -> Export:
    """Write the model of ``cfg`` with the weights of ``checkpoint`` as ONNX to ``path``.

    The file takes images of ``size`` (height, width), by default that of ``image`` (H, W, 3) uint8 BGR; with
    ``dynamic`` of any. It is compared on ``image``, resized if need be, and with ``dynamic`` on a part of it too;
    one that does not agree is not kept. ``step`` is told what begins.
    Raises UsageError, DataError or RunError that says what is wrong.
    """
    require_packages()
    writable_folder(path.parent)
    step('loading the model')
    predictor = Predictor(cfg, checkpoint, 'cpu', Tiling('none'))
    if size and size != image.shape[:2]:
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    _check(predictor, image, dynamic)
    size = image.shape[:2]
    said = 'N x H x W' if dynamic else f'1 x {size[0]} x {size[1]}'
    facts = describe(cfg, recipe, checkpoint, predictor.classes, predictor.palette, predictor.threshold, said)
    with replacing(path) as partial:
        step('converting the network')
        tensor = torch.from_numpy(np.ascontiguousarray(image[None, ..., ::-1]))
        convert(PlainGraph(predictor.model), tensor, partial, opset, dynamic, facts)
        step('comparing with onnxruntime')
        parity = compare(partial, predictor, image)
        if dynamic:
            _compare_another_size(partial, predictor, image)
    return Export(path, size, parity)


def _check(predictor: Predictor, image: np.ndarray, dynamic: bool) -> None:
    """Refuse what the graph would do otherwise than the test pipeline, and sizes out of its range."""
    inputs = predictor.reader(image).inputs.numpy()
    if inputs.shape != (3, *image.shape[:2]) or (inputs != image.transpose(2, 0, 1)).any():
        raise UsageError(
            'the test pipeline of this recipe changes images, which an exported network would not do; '
            '--swap pipelines= one that only loads and packs'
        )
    if dynamic and not all(SMALLEST <= side <= LARGEST for side in image.shape[:2]):
        raise UsageError(f'--dynamic is for sides of {SMALLEST} to {LARGEST} px; this image is {image.shape[:2]}')


def _compare_another_size(path: Path, predictor: Predictor, image: np.ndarray) -> None:
    """The upper left of the image, three quarters of each side but not below the smallest, as it alone shows
    whether torch has taken the image's own size for the only one."""
    height, width = (max(side * 3 // 4, min(side, SMALLEST)) for side in image.shape[:2])
    try:
        compare(path, predictor, np.ascontiguousarray(image[:height, :width]), runs=1)
    except RunError as error:
        raise RunError(f'images of another size: {error}; leave out --dynamic') from error
