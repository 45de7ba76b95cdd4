"""What is seen while photographs are edited: a bar with seconds a photograph and time left, or plain lines."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text


class Pace(ProgressColumn):
    """Seconds a photograph, and the time that the others will take; nothing before the first is done."""

    def render(self, task: Task) -> Text:
        return Text(pace(task.fields['seconds'], task.fields['done'], int(task.total or 0) - int(task.completed)))


def pace(seconds: float, done: int, left: int) -> str:
    """``12.3 s a photograph, 4:06 left``."""
    if not done:
        return ''
    each = seconds / done
    hours, rest = divmod(round(each * left), 3600)
    clock = f'{hours}:{rest // 60:02}:{rest % 60:02}' if hours else f'{rest // 60}:{rest % 60:02}'
    return f'{each:.1f} s a photograph, {clock} left'


class Screen:
    """The bar of a run; on a terminal it moves, elsewhere each photograph is a line.

    ``step`` is handed to the editor: ``step(stage, done, total)``.
    """

    def __init__(self, total: int, console: Console) -> None:
        self.console, self.total = console, total
        self.before = self.finished = 0
        self._stem, self._began = '', time.monotonic()
        bar = TextColumn('{task.description}'), BarColumn(20), MofNCompleteColumn(), Pace(), TimeElapsedColumn()
        last = TextColumn('[dim]{task.fields[stage]}[/dim]')
        self._bar = Progress(*bar, last, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task('editing', total=total, stage='', seconds=0.0, done=0)

    def __enter__(self) -> 'Screen':
        self._bar.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def begin(self, stem: str) -> None:
        """Name the photograph that is being worked on."""
        self._stem = stem
        self._bar.update(self._task, stage=stem)

    def show(self, done: int) -> None:
        """So many edits are done, whoever did them."""
        self._bar.update(self._task, completed=done)

    def step(self, stage: str, done: int, total: int) -> None:
        """Show how far the current stage is."""
        self._bar.update(self._task, stage=f'{self._stem}: {stage} {done}/{total}')

    def end(self, text: str | None) -> None:
        """A photograph is done; ``text`` says what became of it, None that there was nothing to do."""
        if text is None:
            self.before += 1
            self._bar.update(self._task, completed=self.before + self.finished, stage='')
            self._began = self._began if self.finished else time.monotonic()
            return
        self.finished += 1
        seconds = time.monotonic() - self._began
        at = self.before + self.finished
        self._bar.update(self._task, completed=at, seconds=seconds, done=self.finished, stage='')
        if not self.console.is_terminal:
            self.say(f'[{at}/{self.total}] {self._stem}: {text}; {pace(seconds, self.finished, self.total - at)}')

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
