"""The two ways a user's input can be wrong, and how a command line answers: one line and an exit code."""

import sys
from collections.abc import Callable


class UsageError(Exception):
    """A wrong argument, config or checkpoint: exit code 2."""

    exit_code = 2


class DataError(ValueError):
    """Images or masks that cannot be used as they are: exit code 3."""

    exit_code = 3


class RunError(Exception):
    """A run that had to stop, such as a loss that became NaN: exit code 1."""

    exit_code = 1


def run_command_line(main: Callable[[], int | None]) -> None:
    """Run ``main`` and leave the process with its code; a user's mistake is one line, not a traceback."""
    try:
        code = main()
    except (UsageError, DataError, RunError) as error:
        print(f'error: {error}', file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        code = 130
    sys.exit(code or 0)
