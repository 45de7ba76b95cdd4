"""The ways in which an edit can fail, and how a command line says so."""

import sys
from collections.abc import Callable, Iterable


class UsageError(Exception):
    """A wrong argument, setting or model: exit code 2."""

    exit_code = 2


class DataError(ValueError):
    """Images or labels that cannot be used as they are: exit code 3."""

    exit_code = 3


class RunError(Exception):
    """A run that had to stop: exit code 1."""

    exit_code = 1


class NonFiniteError(RunError):
    """Latents, predictions or embeddings that became NaN or infinite; another precision may help."""


def listed(problems: Iterable[str]) -> str:
    """Several problems as the text of one error: a line each, aligned behind the word ``error:``."""
    return '\n       '.join(problems)


def run_command_line(main: Callable[[], int | None]) -> None:
    """Run ``main`` and leave the process with its code; a user's mistake is one line, not a traceback."""
    try:
        code = main()
    except (UsageError, DataError, RunError) as error:
        print(f'error: {error}', file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt as error:
        print(*error.args or ('interrupted',), file=sys.stderr)
        code = 130
    sys.exit(code or 0)
