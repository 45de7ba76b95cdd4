"""Settings shared by all tests."""

import atexit
import os
import shutil
import signal
import tempfile

import torch

# Small tensors on a busy machine: one thread is many times faster than several that wait for each other.
torch.set_num_threads(1)
# A shell that starts the tests in the background has Ctrl-C ignored, by them and by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What the recipes keep of decoded images goes where it is thrown away, for the commands that tests start too.
if 'MMSEG_EXT_CACHE' not in os.environ:
    os.environ['MMSEG_EXT_CACHE'] = tempfile.mkdtemp(prefix='mmseg-ext-cache-')
    atexit.register(shutil.rmtree, os.environ['MMSEG_EXT_CACHE'], ignore_errors=True)
