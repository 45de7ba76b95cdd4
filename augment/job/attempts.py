"""One photograph, tried until it succeeds or nothing is left to try; every fall is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from augment.config.settings import EditSettings
from augment.errors import NonFiniteError, RunError
from augment.job.ladder import Fall, Rung, is_out_of_memory, lighter, milder, more_exact, worth_retrying

if TYPE_CHECKING:
    from augment.editing.photo import EditedPhoto, Photo
    from augment.editing.runtime import Runtime

STALLED = 'the inversion did not improve'
IN_A_ROW = 3  # photographs that show whether fp32 is worth its time
Step = Callable[[str, int, int], None]


class GaveUpError(RunError):
    """A photograph that could not be edited, and what was tried."""

    def __init__(self, why: str, attempts: list[dict[str, str]]) -> None:
        super().__init__(why)
        self.attempts = attempts


class Studio(Protocol):
    """What an attempt needs of the model (augment.job.studio)."""

    native: int

    def edit(self, photo: Photo, words: Sequence[str], rung: Rung, progress: Step | None) -> list[EditedPhoto]: ...

    def reduced(self, runtime: Runtime) -> bool: ...

    def free(self) -> None: ...


@dataclass
class Verdict:
    """An edit, its new label (augment.labels), its scores, the gates it fails, and what was tried before it."""

    edited: EditedPhoto
    relabelled: Any
    scores: dict[str, float]
    failed: list[str]
    attempts: list[dict[str, str]] = field(default_factory=list)


class Attempts:
    """Edits photographs with ``settings``; memory that one has not found, the next ones do not ask for.

    ``judge(photo, edited, others)`` gives the Verdict on an edit beside the same photograph's other words. ``say``
    gets a line for what the following photographs feel too.
    """

    def __init__(
        self,
        studio: Studio,
        settings: EditSettings,
        runtime: Runtime,
        judge: Callable[[Photo, EditedPhoto, Sequence[EditedPhoto]], Verdict],
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.studio, self.settings, self.runtime, self.judge, self.say = studio, settings, runtime, judge, say
        self._mends_stalls, self._in_vain = True, []

    def work_on(self, photo: Photo, words: Sequence[str], step: Step | None = None) -> list[Verdict]:
        """A verdict for each word, in order. Raises GaveUpError when the photograph cannot be edited at all."""
        falls: list[dict[str, str]] = []
        edits = self._edit(photo, words, self.settings, falls, step)
        others = [[each for each in edits if each is not edited] for edited in edits]
        verdicts = [self.judge(photo, edited, rest) for edited, rest in zip(edits, others, strict=True)]
        for verdict in verdicts:
            verdict.attempts = [*falls]
        return [self._improve(photo, each, rest, step) for each, rest in zip(verdicts, others, strict=True)]

    def _improve(
        self, photo: Photo, verdict: Verdict, others: Sequence[EditedPhoto], step: Step | None
    ) -> Verdict:
        """The first verdict that fails no gate, of this one and of milder edits; else that which fails fewest."""
        tried = [verdict]
        if self.settings.gates.mode != 'enforce' or not worth_retrying(verdict.failed):
            return verdict
        log = [*verdict.attempts]
        for fall in milder(Rung(self.settings, self.runtime)):
            log.append({'change': fall.change, 'why': ', '.join(tried[-1].failed)})
            try:
                [edited] = self._edit(photo, [verdict.edited.word], fall.rung.settings, log, step)
            except RunError:  # the first edit stands, poor as it is
                break
            tried.append(self.judge(photo, edited, others))
            tried[-1].attempts = [*log]
            if not tried[-1].failed:
                break
        best = min(tried, key=lambda each: len(each.failed))
        best.attempts = log
        return best

    def _edit(
        self,
        photo: Photo,
        words: Sequence[str],
        settings: EditSettings,
        log: list[dict[str, str]],
        step: Step | None,
    ) -> list[EditedPhoto]:
        """Down the ladder of memory and precision until the edits are there; GaveUpError at its end."""
        rung = Rung(settings, self.runtime)
        while True:
            edits, why, fall = self._try(photo, words, rung, step)
            if fall is None and edits is not None:
                self._learn(rung, edits)
                return edits
            self.studio.free()
            if fall is None:
                raise GaveUpError(why, log)
            log.append({'change': fall.change, 'why': why})
            self._remember(fall, rung)
            rung = fall.rung

    def _try(
        self, photo: Photo, words: Sequence[str], rung: Rung, step: Step | None
    ) -> tuple[list[EditedPhoto] | None, str, Fall | None]:
        """The edits if there are some, why they are not good, and how to try again if there is a way."""
        reduced = self.studio.reduced(rung.runtime)
        try:
            edits = self.studio.edit(photo, words, rung, step)
        except NonFiniteError as error:
            return None, f'not finite: {error}', more_exact(rung, reduced)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                return None, f'{type(error).__name__}: {str(error).partition(chr(10))[0]}', None
            return None, 'out of memory', lighter(rung, self.studio.native)
        if self._mends_stalls and any(each.stalled for each in edits):
            return edits, STALLED, more_exact(rung, reduced)
        return edits, '', None

    def _learn(self, rung: Rung, edits: Sequence[EditedPhoto]) -> None:
        """Begin in fp32 when photographs in a row needed it; leave stalled ones alone when it never helped."""
        if rung.runtime.dtype == self.runtime.dtype:
            self._in_vain = []
            return
        self._in_vain.append(any(each.stalled for each in edits))
        if len(self._in_vain) < IN_A_ROW:
            return
        if not any(self._in_vain):
            self.runtime = replace(self.runtime, dtype='fp32')
            self.say(f'{IN_A_ROW} photographs in a row needed fp32: in fp32 from here on')
        elif all(self._in_vain):
            self._mends_stalls = False
            self.say(f'fp32 has not helped {IN_A_ROW} photographs in a row whose inversion stalled: no more of it')
        self._in_vain = []

    def _remember(self, fall: Fall, before: Rung) -> None:
        """Let the following photographs begin where memory was enough; what changes an edit is for this one."""
        runtime = fall.rung.runtime
        if before.settings == fall.rung.settings and before.runtime.dtype == runtime.dtype == self.runtime.dtype:
            self.runtime = runtime
            self.say(f'out of memory: {fall.change} from here on')
