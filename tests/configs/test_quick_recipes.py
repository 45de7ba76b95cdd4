"""The quick recipes reach the score that they promise, by the commands of the README."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmseg_ext.engine.overrides import load_config

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / 'configs/quick/demo_blade.py'


def run(folder: Path, tool: str, *arguments: str) -> None:
    # One thread: the other test worker needs the other core, and two threads that wait for each other crawl.
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    command = [sys.executable, str(ROOT / 'tools' / tool), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.slow
def test_demo_reaches_its_expected_score(tmp_path):
    run(tmp_path, 'render_demo_data.py', '--out', 'data/demo_blade', '--seed', '0')
    run(tmp_path, 'train.py', str(RECIPE), '--work-dir', 'run')
    run(tmp_path, 'test.py', str(RECIPE), 'run')
    scores = json.loads((tmp_path / 'run/test/result.json').read_text())['scores']
    for name, (mean, deviation) in load_config(RECIPE).expected.items():
        assert abs(scores[name] - mean) <= 3 * deviation, (
            f'{name} is {scores[name]:.2f}, expected {mean} ± {deviation}'
        )
    assert scores['Found.attached'] >= 70
    assert scores['Found.broken'] >= 50
