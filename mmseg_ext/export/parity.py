"""Whether an ONNX file gives what the model gives, and how fast."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mmseg_ext.engine.preflight import first_line
from mmseg_ext.errors import RunError
from mmseg_ext.export.graph import INPUT, OUTPUTS, PlainGraph
from mmseg_ext.inference import Predictor

DIFFERENCE = 1e-3  # of probabilities; rounding alone gives about 1e-6
SAME = 0.9999  # share of the pixels, of which some may be torn between two classes


class Parity(NamedTuple):
    """The largest difference of a probability, the share (0..1) of pixels of one class, and seconds an image."""

    difference: float
    same: float
    onnx_seconds: float
    torch_seconds: float


class OnnxModel:
    """An exported file in onnxruntime on the CPU, with as many threads as torch uses."""

    def __init__(self, path: Path):
        import onnxruntime  # of the export extra

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
        self.session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (N, C, H, W) and masks (N, H, W) of images (N, H, W, 3) uint8 RGB.

        Raises RunError when onnxruntime cannot run the file on them.
        """
        try:
            return tuple(self.session.run(list(OUTPUTS), {INPUT: images}))
        except Exception as error:  # onnxruntime has a class of its own for every kind of failure
            raise RunError(f'the exported network fails on {images.shape}: {first_line(error)}') from error


def compare(path: Path, predictor: Predictor, image: np.ndarray, runs: int = 3) -> Parity:
    """The file against the predictor on an image (H, W, 3) uint8 BGR, and both networks' fastest of some runs.

    Raises RunError when a probability differs by more than DIFFERENCE or fewer than SAME of the pixels agree.
    """
    mask, scores = predictor.predict(image)
    batch = np.ascontiguousarray(image[None, ..., ::-1])
    model, graph, tensor = OnnxModel(path), PlainGraph(predictor.model), torch.from_numpy(batch)
    probabilities, masks = model(batch)
    with torch.inference_mode():
        seconds = _fastest([lambda: model(batch), lambda: graph(tensor)], runs)
    parity = Parity(float(np.abs(probabilities[0] - scores).max()), float((masks[0] == mask).mean()), *seconds)
    if not (parity.difference <= DIFFERENCE and parity.same >= SAME):  # NaN is no parity either
        raise RunError(
            f'the exported network differs from the model: probabilities by up to {parity.difference:.2g} '
            f'(limit {DIFFERENCE:g}), {100 * parity.same:.4g} % of the pixels of one class '
            f'(limit {100 * SAME:g} %); nothing is written'
        )
    return parity


def _fastest(functions: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Seconds of each function's fastest run. They take turns, so that whatever else runs here hits all."""
    times = [[] for _ in functions]
    for _ in range(runs):
        for function, spent in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            spent.append(time.perf_counter() - start)
    return [min(spent) for spent in times]
