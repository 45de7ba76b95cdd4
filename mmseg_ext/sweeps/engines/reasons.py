"""Why the process of a run ended early, in one line that its user can act on."""

import re
import signal
from pathlib import Path

START = '=== '  # begins the line of the log with which an attempt at the run begins
TAIL = 100_000  # bytes of a log that are read from its end
ERROR = re.compile(r'^(?:\S+: )?error: (.+(?:\n {7}\S.*)*)', re.MULTILINE)  # ours, or that of argparse
RAISED = re.compile(
    r'^(?:Original )?Traceback .*\n(?:[ +].*\n|\n)*(\S.*)', re.MULTILINE
)  # the line below the stack
NO_MEMORY = re.compile(r"MemoryError|out of memory|can't allocate memory|Unable to allocate|by signal: Killed")
LESS = 'out of memory; lower train_dataloader.batch_size or the number of runs at once (--jobs)'


def failure_reason(log: Path, code: int) -> str:
    """One line on the attempt whose output ends ``log`` and whose process ended with ``code`` (minus a signal).

    It is what the run itself said behind ``error:``, else the last line of its traceback, else the signal or code.
    """
    text = last_attempt(log)
    if code < 0:
        return _signal(-code)
    said = [*ERROR.finditer(text), *RAISED.finditer(text)]
    if not said:
        return f'ended with exit code {code} and without a word'
    reason = re.sub(r'\n {7}', '; ', max(said, key=re.Match.start)[1]).strip()
    is_told = not NO_MEMORY.search(reason) or 'batch_size' in reason
    return reason if is_told else f'{LESS}: {reason}'


def last_attempt(log: Path) -> str:
    """What the last process of a run printed, or the end of that; empty without a log."""
    if not log.is_file():
        return ''
    with log.open('rb') as file:
        file.seek(max(log.stat().st_size - TAIL, 0))
        text = file.read().decode(errors='replace')
    return ('\n' + text).rpartition('\n' + START)[2]


def _signal(number: int) -> str:
    if number == signal.SIGKILL:
        return f'killed by signal {number:d} (out of memory?)'
    return f'killed by signal {number} ({signal.Signals(number).name})'
