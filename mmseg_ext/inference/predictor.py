"""A trained model: image in, mask and scores out."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from mmseg_ext.engine.preflight import first_line
from mmseg_ext.engine.threshold import find_threshold, set_threshold
from mmseg_ext.errors import DataError, RunError, UsageError
from mmseg_ext.functional.decision import decide, probabilities
from mmseg_ext.inference.prompting import Prompting, find_prompter
from mmseg_ext.inference.reading import Image, Reader, Sample, describe
from mmseg_ext.inference.sources import build_model, class_curves, class_names, find_device, read_config
from mmseg_ext.inference.stream import map_ahead
from mmseg_ext.inference.tiles import Network, Prepared, Tiling
from mmseg_ext.models.test_time import Views, set_views

STRIP = 512 * 512  # pixels decided at a time, so that what is worked out on the way stays small
WORKERS = max(1, min((os.cpu_count() or 1) - 1, 8))


class Prediction(NamedTuple):
    """What is predicted for one image of H x W pixels."""

    source: Image  # as it was given
    mask: np.ndarray  # (H, W) uint8, class indices
    scores: np.ndarray | None  # (C, H, W) float32 probabilities, where asked for; one map for a single-logit model
    confidence: (
        np.ndarray
    )  # (K,) float32, probability of the predicted class at the K pixels of defects, row by row
    image: np.ndarray  # (H, W, 3) uint8 BGR as it was read


class _Ready(NamedTuple):
    """A decoded image on its way to the network; ``prepared`` where the loading thread has gone that far."""

    source: Image
    sample: Sample | None
    prepared: Prepared | None = None
    error: DataError | None = None


class Predictor:
    """The model of a config with the weights of a checkpoint; ``classes`` and ``palette`` (RGB) name its classes,
    ``curves`` those that are lines.

    The pipeline, the normalisation and the padding are those of the config's test data set, so that masks equal
    those of ``tools/test.py --out``, pixel by pixel (on images that are not tiled, see ``Tiling``). So does the
    ``threshold`` of a single logit: the best one of the run's validation, see ``mmseg_ext.engine.threshold``.
    With ``views`` each image, or each of its tiles, is seen in several ways (test-time augmentation), and masks
    equal those of ``tools/test.py --tta --out``. A model that is asked by example (SegGPT) is shown its prompts,
    and sees images in tiles, as ``prompting`` says.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        device: str | torch.device | None = None,
        tiling: Tiling | None = None,
        views: Views | None = None,
        prompting: Prompting | None = None,
    ):
        cfg = read_config(config)
        self.device = find_device(device)
        self.classes, self.palette = class_names(cfg)
        self.curves = class_curves(cfg)
        self.reader = Reader(cfg)
        self.model = build_model(cfg, Path(checkpoint), self.device)
        self.prompter = find_prompter(self.model, prompting)
        if self.prompter and tiling and tiling.tile != 'auto':
            raise UsageError(f'tile {tiling.tile}: {type(self.model).__name__} sees all at one size; say split')
        self.network = Network(self.model, self.prompter.split if self.prompter else tiling or Tiling())
        self.threshold = find_threshold(self.model, cfg, checkpoint)
        set_threshold(self.model, self.threshold)
        if views:
            set_views(self.model, views)

    def predict(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        """Mask (H, W) uint8 of class indices and scores (C, H, W) float32, probabilities in 0..1.

        ``image`` is a path, or an array (H, W, 3) uint8 in BGR order as ``cv2.imread`` gives it (from RGB:
        ``rgb[..., ::-1]``). Raises DataError when it cannot be read.
        """
        (prediction,) = self.predict_many([image], scores=True)
        return prediction.mask, prediction.scores

    def predict_many(
        self,
        images: Iterable[Image],
        scores: bool = False,
        on_error: Callable[[Image, DataError], None] | None = None,
        workers: int = WORKERS,
    ) -> Iterator[Prediction]:
        """Predictions in order; the next images are decoded, and the last ones finished, beside the forward pass.

        An image that cannot be used raises DataError, or goes to ``on_error`` and is left out. At most
        ``workers + 1`` images are held decoded ahead of the network.
        """
        loaded = map_ahead(self._load, images, workers, workers)
        return map_ahead(lambda finish: finish(), self._through_network(loaded, scores, on_error), 1, 1)

    def _load(self, source: Image) -> _Ready:
        """In a loading thread: decode, and where the network is on the CPU too, normalise."""
        try:
            sample = self.reader(source)
        except DataError as error:
            return _Ready(source, None, error=error)
        whole = all(len(spans) == 1 for spans in self.network.spans(sample))
        if self.device.type != 'cpu' or not whole:
            return _Ready(source, sample)
        with torch.inference_mode():
            return _Ready(source, sample, self.network.prepare(sample.inputs))

    def _through_network(
        self, loaded: Iterable[_Ready], scores: bool, on_error: Callable | None
    ) -> Iterator[Callable[[], Prediction]]:
        """In the main thread: for each image the work that is left to do after the forward pass."""
        for ready in loaded:
            try:
                if ready.error:
                    raise ready.error
                yield self._forward(ready, scores)
            except DataError as error:
                if on_error is None:
                    raise
                on_error(ready.source, error)

    def _forward(self, ready: _Ready, scores: bool) -> Callable[[], Prediction]:
        """The forward pass; what comes after it is left to another thread where that is a core's work too."""
        if self.prompter:
            self.prompter.show(ready.source)
        spans = self.network.spans(ready.sample)
        tiled = any(len(each) > 1 for each in spans)
        with torch.inference_mode(), _explained(ready):
            bands = self.network.bands(ready.sample, spans) if tiled else self._whole(ready)
            finish = partial(self._collect, ready.source, ready.sample, bands, scores)
            if self.device.type == 'cpu' and not tiled:
                return finish
            done = finish()
        return lambda: done

    def _whole(self, ready: _Ready) -> Iterator[tuple[int, Tensor]]:
        """The logits of an image in one piece, as one band; its size is that of the image when it is asked for."""
        logits = self.network.logits(ready.prepared or self.network.prepare(ready.sample.inputs))
        return ((0, self.network.resized(each, ready.sample.size)) for each in [logits])

    @torch.inference_mode()
    def _collect(
        self, source: Image, sample: Sample, bands: Iterable[tuple[int, Tensor]], scores: bool
    ) -> Prediction:
        """Classes and scores of all bands of logits, each of which is let go when it has been decided."""
        mask, maps, sure = np.empty(sample.size, np.uint8), None, []
        for top, logits in _strips(bands):
            rows = slice(top, top + logits.shape[1])
            decided, confidence = decide(logits, self.threshold.used)
            mask[rows] = decided.cpu().numpy()
            sure.append(confidence.cpu().numpy())
            if scores and maps is None:
                maps = np.empty((len(logits), *sample.size), np.float32)
            if scores:
                maps[:, rows] = probabilities(logits).cpu().numpy()
        return Prediction(source, mask, maps, np.concatenate(sure), sample.image)


def _strips(bands: Iterable[tuple[int, Tensor]]) -> Iterator[tuple[int, Tensor]]:
    """The same rows in pieces of about STRIP pixels."""
    for top, band in bands:
        rows = max(STRIP // band.shape[2], 1)
        yield from ((top + rows * k, part) for k, part in enumerate(band.split(rows, 1)))


@contextmanager
def _explained(ready: _Ready) -> Iterator[None]:
    """Say which image the network fails on, and what can be done about memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        what = f'{describe(ready.source)}: the GPU has no memory left for {ready.sample.size} pixels'
        raise RunError(f'{what}; try tiles (--tile 1024)') from error
    except RuntimeError as error:
        raise DataError(f'{describe(ready.source)}: the network fails on it: {first_line(error)}') from error
