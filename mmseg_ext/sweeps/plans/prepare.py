"""What a plan needs before its first run, such as a rendered data set."""

import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mmseg_ext.errors import RunError


def prepare(commands: Mapping[str, str]) -> None:
    """Run the commands; RunError when one does not make the path that it stands under.

    Commands are words, not a shell's script; ``python`` is the one that runs this.
    """
    for path, command in commands.items():
        print(f'{path} is not there yet: {command}', flush=True)
        problem = _problem(command)
        if problem or not Path(path).exists():
            raise RunError(f'{problem or f"{path} is still not there"}; the plan makes it with: {command}')


def _problem(command: str) -> str:
    """Run a command; what went wrong, or nothing."""
    program, *arguments = shlex.split(command)
    try:
        code = subprocess.run([sys.executable if program == 'python' else program, *arguments]).returncode
    except OSError as error:
        return f'{program} cannot be started ({error.strerror})'
    return f'{program} ended with exit code {code}' if code else ''
