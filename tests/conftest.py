"""Settings shared by all tests."""

import atexit
import importlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest
import torch

# Small tensors on a busy machine: one thread is many times faster than several that wait for each other.
torch.set_num_threads(1)
# A shell that starts the tests in the background has Ctrl-C ignored, by them and by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What the recipes keep of decoded images goes where it is thrown away, for the commands that tests start too.
if 'MMSEG_EXT_CACHE' not in os.environ:
    os.environ['MMSEG_EXT_CACHE'] = tempfile.mkdtemp(prefix='mmseg-ext-cache-')
    atexit.register(shutil.rmtree, os.environ['MMSEG_EXT_CACHE'], ignore_errors=True)

# Where `make setup` puts a torchvision that was built for another torch, out of the way of all that look for one.
ASIDE = Path(sys.prefix, 'torchvision')
# What such a torchvision misses when it is imported: two operators of its compiled part. No test calls them.
MISSING = ('nms', 'qnms')


@pytest.fixture(scope='session')
def smp() -> ModuleType:
    """segmentation_models_pytorch; skips where it, or every torchvision, is missing.

    It takes networks from torchvision that are plain torch. One that lies aside is there while smp is imported,
    and gone again for everybody else.
    """
    try:
        return importlib.import_module('segmentation_models_pytorch')
    except (ImportError, RuntimeError) as error:
        if not ASIDE.is_dir():
            pytest.skip(f'segmentation_models_pytorch cannot be imported: {error}')
    hidden = sys.modules.pop('torchvision', None)
    operators = torch.library.Library('torchvision', 'DEF')
    for name in MISSING:
        operators.define(f'{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor')
    sys.path.insert(0, str(ASIDE))
    try:
        module = importlib.import_module('segmentation_models_pytorch')
    finally:
        sys.path.remove(str(ASIDE))
        for part in [part for part in sys.modules if part.partition('.')[0] == 'torchvision']:
            del sys.modules[part]
        sys.modules['torchvision'] = hidden
    module.operators = operators  # they live as long as this object
    return module
