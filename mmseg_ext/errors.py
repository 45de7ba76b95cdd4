"""The ways in which a run can fail for a reason its user can mend, and how a command line says so."""

import difflib
import os
import sys
from collections.abc import Callable, Iterable


class UsageError(Exception):
    """A wrong argument, config or checkpoint: exit code 2."""

    exit_code = 2


class DataError(ValueError):
    """Images or masks that cannot be used as they are: exit code 3."""

    exit_code = 3


class RunError(Exception):
    """A run that had to stop, such as a loss that became NaN: exit code 1."""

    exit_code = 1


def listed(problems: Iterable[str]) -> str:
    """Several problems as the text of one error: a line each, aligned behind the word ``error:``."""
    return '\n       '.join(problems)


def near(name: str, known: Iterable[str]) -> str:
    """The known names closest to ``name``, for the end of an error message."""
    known = sorted(map(str, known))
    return ', '.join(difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:12]) or 'nothing'


def message(error: Exception) -> str:
    """The text of an error; of one that a loader's worker process raised, without the worker's stack."""
    text = str(error)
    if 'Original Traceback' not in text:
        return text
    return text.rpartition(f'{type(error).__module__}.{type(error).__qualname__}: ')[2].strip()


def run_command_line(main: Callable[[], int | None]) -> None:
    """Run ``main`` and leave the process with its code; a user's mistake is one line, not a traceback.

    Of the processes of one run, which mostly fail together, the main one speaks; another one only about what it
    alone has met (``error.alone``).
    """
    try:
        code = main()
    except (UsageError, DataError, RunError) as error:
        if os.environ.get('RANK', '0') == '0' or getattr(error, 'alone', False):
            print(f'error: {message(error)}', file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt as error:
        print(*error.args or ('interrupted',), file=sys.stderr)
        code = 130
    sys.exit(code or 0)
