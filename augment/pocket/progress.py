"""What is seen of a stage: a bar with loss and time left, or plain lines where nobody looks at a terminal."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

EVERY = 30  # seconds between two plain lines


def clock(seconds: float) -> str:
    """``1:02:03`` or ``2:03``."""
    hours, rest = divmod(round(seconds), 3600)
    return f'{hours}:{rest // 60:02}:{rest % 60:02}' if hours else f'{rest // 60}:{rest % 60:02}'


class Screen:
    """The bar of the stage ``name``."""

    def __init__(self, name: str, console: Console) -> None:
        self.name, self.console = name, console
        columns = (
            TextColumn('{task.description}'),
            BarColumn(30),
            TaskProgressColumn(),
            TextColumn('{task.fields[told]}'),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(name, total=1.0, told='')
        self._last = 0.0

    def __enter__(self) -> 'Screen':
        self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, step: int, share: float, seconds: float, loss: float) -> None:
        """``step`` steps are done in ``seconds``, ``share`` of the stage; ``loss`` is a recent mean."""
        left = clock(seconds / share * (1 - share)) if share else '?'
        told = f'step {step}, loss {loss:.4f}, {seconds / max(step, 1):.2f} s a step, {left} left'
        self._bar.update(self._task, completed=share, told=told)
        now = time.monotonic()
        if not self.console.is_terminal and (now - self._last >= EVERY or share >= 1):
            self._last = now
            self.say(f'{self.name} {share:.0%}: {told}')

    def say(self, text: str) -> None:
        """A line that stays."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
