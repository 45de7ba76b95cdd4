"""From a traced graph to an ONNX file."""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.export.graph import INPUT, OUTPUTS, PlainGraph
from mmseg_ext.export.pooling import exportable_pooling

OPSET = 18  # the first one of torch's exporter, so the one that most runtimes read
SMALLEST, LARGEST = 64, 16384  # sides of an image of any size, pixels
FIXED = 'it takes images of one size only; leave out --dynamic'
TALKATIVE = ('torch.onnx', 'torch.export', 'torch._subclasses', 'torch._dynamo', 'onnxscript', 'onnx_ir')


def convert(
    graph: PlainGraph, image: Tensor, path: Path, opset: int, dynamic: bool, facts: Mapping[str, str]
) -> None:
    """Write ``graph`` to ``path``, with ``facts`` as the file's metadata.

    It takes images like ``image`` (1, H, W, 3); with ``dynamic`` batches of any size of images of any size.
    Raises RunError that names the operator, or the reason, that stops the conversion.
    """
    shapes = {0: ('batch', 1, 256), 1: ('height', SMALLEST, LARGEST), 2: ('width', SMALLEST, LARGEST)}
    dims = {axis: torch.export.Dim(name, min=low, max=high) for axis, (name, low, high) in shapes.items()}
    try:
        with torch.no_grad(), _quiet(), exportable_pooling():
            program = torch.onnx.export(
                graph,
                # A batch of one, or a square image, would be taken for the only one there is.
                (image.repeat(2, 1, 1, 1) if dynamic else image,),
                dynamo=True,
                verbose=False,
                opset_version=opset,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_shapes=(dims,) if dynamic else None,
            )
    except Exception as error:  # whatever the tracer or the converter meets, the network is what it met it in
        raise RunError(f'the network cannot be exported: {obstacle(error, dynamic)}') from error
    written = program.model.opset_imports['']
    if written != opset:
        raise UsageError(f'--opset {opset}: this network comes out as opset {written}; ask for that')
    if dynamic and any(isinstance(side, int) for side in program.model.graph.inputs[0].shape[:3]):
        raise RunError(f'the network cannot be exported: {FIXED}')  # torch has noticed, and gone on
    for node in program.model.graph:
        node.metadata_props.clear()  # where on this machine the code that made it lies
    program.model.metadata_props.update(facts)
    program.save(path, external_data=False)


def obstacle(error: BaseException, dynamic: bool) -> str:
    """One line from the pages in which torch says why it cannot convert a network."""
    texts = []
    while error is not None:
        texts.append(re.sub(r'\x1b\[\d+m', '', str(error)))
        error = error.__cause__
    text = '\n'.join(texts)
    operator = re.search(r"No ONNX function found for <OpOverload\(op='([\w.]+)'", text)
    if operator:
        return f'ONNX has nothing for its operator {operator[1]}'
    if dynamic and re.search('onstraint|pecializ|inconsistent min', text):
        return FIXED
    if 'data-dependent' in text:
        return (
            f'it decides by the values of pixels what to compute, and a graph cannot ({texts[-1].splitlines()[0]})'
        )
    lines = [line.strip() for line in texts[-1].splitlines() if line.strip()]
    return lines[0] if lines else 'torch gives no reason'


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says to the authors of networks and exporters; what matters is raised."""
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
