"""The loop over the photographs: read, edit, judge, write, one after the other, and nothing twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from augment.dataset.photographs import Shot
from augment.dataset.reading import has_defect
from augment.errors import DataError, RunError
from augment.job.attempts import Attempts, Verdict
from augment.job.progress import Screen
from augment.job.saving import Writer
from augment.job.stopping import Stopper
from augment.job.work import Work

if TYPE_CHECKING:
    from augment.job.studio import Studio

NO_DEFECT = 'its label has no defect'


class Runner:
    """Does a Work with a Studio. ``run`` may be interrupted at any time and called again.

    ``tell`` is handed each line of the manifest.
    """

    def __init__(
        self,
        work: Work,
        studio: Studio,
        attempts: Attempts,
        screen: Screen,
        tell: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.work, self.studio, self.attempts, self.screen, self.tell = work, studio, attempts, screen, tell

    def run(self) -> None:
        """Edit what is left. Raises RunError when files cannot be written, KeyboardInterrupt after Ctrl-C."""
        with Stopper() as stopper, self.screen:
            self.writer = Writer(self.work, stopper, self.tell)
            for item in self.work.items:
                shot = Shot(item)
                words = self.work.todo(shot)
                self.screen.begin(item.stem)
                self.screen.end(self._photograph(shot, words) if words else None)
        for journal in {id(each): each for each in self.work.journals.values()}.values():
            journal.compact()

    def _photograph(self, shot: Shot, words: Sequence[str]) -> str:
        """Do one photograph, and say in a few words what became of it."""
        try:
            shot.read(self.work.source.labels is not None, self.work.source.classes)
        except DataError as error:
            return self._failed(shot, words, error)
        self.writer.keep_original(shot, words)
        if shot.label is not None and not has_defect(shot.label):
            for word in words:
                self.writer.note(shot, word, 'skipped', reason=NO_DEFECT)
            return f'skipped, {NO_DEFECT}'
        began = time.monotonic()
        try:
            verdicts = self._edit(shot, words)
        except (DataError, RunError) as error:
            return self._failed(shot, words, error)
        return self._save(shot, verdicts, (time.monotonic() - began) / len(words))

    def _edit(self, shot: Shot, words: Sequence[str]) -> list[Verdict]:
        from augment.editing.photo import Photo

        photo = Photo(shot.item.stem, shot.image, shot.label)
        return self.attempts.work_on(photo, words, self.screen.step)

    def _failed(self, shot: Shot, words: Sequence[str], error: Exception) -> str:
        attempts = getattr(error, 'attempts', [])
        for word in words:
            self.writer.note(shot, word, 'failed', error=str(error), attempts=attempts)
        named = str(error) if shot.item.stem in str(error) else f'{shot.item.stem}: {error}'
        self.screen.say(f'failed: {named}')
        return 'failed'

    def _save(self, shot: Shot, verdicts: Sequence[Verdict], seconds: float) -> str:
        ends: Counter[str] = Counter()
        more = dict(seconds=round(seconds, 3), peak_gib=self.studio.peak(), runtime=asdict(self.attempts.runtime))
        self.writer.log(shot, verdicts)
        for verdict in verdicts:
            prompts = {'source': self.work.settings.source_prompt, 'target': verdict.edited.target_prompt}
            tokens = {name: self.studio.tokens(prompt) for name, prompt in prompts.items()}
            record = self.writer.save(shot, verdict, prompts=prompts, tokens=tokens, **more)
            ends[record['status']] += 1
            if record['status'] == 'rejected':
                self.screen.say(f'rejected: {record["id"]}: {", ".join(verdict.failed)}')
        return ', '.join(f'{count} {status}' for status, count in ends.items())
