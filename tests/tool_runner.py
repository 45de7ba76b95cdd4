"""A command line of tools/, run in the process of a test."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_tool(name: str, *arguments: object) -> int:
    """The exit code of ``tools/<name>.py`` with these arguments."""
    before, sys.argv = sys.argv, [f'{name}.py', *map(str, arguments)]
    try:
        runpy.run_path(str(ROOT / f'tools/{name}.py'), run_name='__main__')
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
    raise AssertionError('a tool must end with an exit code')
