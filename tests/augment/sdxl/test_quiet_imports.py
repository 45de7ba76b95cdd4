"""What a terminal shows while the libraries are imported: nothing, also beside a torchvision that is broken."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[3])
SCRIPT = """
from augment.sdxl.upstream import diffusers, transformers
import sys
assert {condition}
assert transformers.logging.get_verbosity() == transformers.logging.WARNING, 'later warnings are heard'
from augment.sdxl.tiny import tiny_sdxl
tiny_sdxl()
"""


def run(condition, *paths):
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([*map(str, paths), ROOT]), 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, '-c', SCRIPT.format(condition=condition)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    return done.returncode, done.stdout, done.stderr


def test_nothing_is_printed_and_later_warnings_are_heard():
    assert run('True') == (0, '', '')


def test_a_torchvision_of_another_torch_does_not_matter(tmp_path):
    package = tmp_path / 'torchvision'
    package.mkdir()
    (package / '__init__.py').write_text('from torchvision import ops\n')
    (package / 'ops.py').write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    hidden = "sys.modules['torchvision'] is None and 'torchvision.ops' not in sys.modules"
    assert run(hidden, tmp_path) == (0, '', '')
