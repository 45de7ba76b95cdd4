"""What tests of rendered sets share: the command that draws them, and all that lies in a folder."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[1] / 'tools/render_demo_data.py'


def contents(root: Path) -> dict[str, bytes]:
    """{path below ``root``: bytes} of all files."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob('*') if path.is_file()}


def run_tool(*args: str | Path) -> subprocess.CompletedProcess:
    """What the command does with these arguments."""
    return subprocess.run([sys.executable, TOOL, *map(str, args)], capture_output=True, text=True, check=False)
