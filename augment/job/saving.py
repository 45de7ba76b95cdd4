"""From a verdict to files and a line in the journal; never half of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augment.config.plain import settings_hash
from augment.dataset.outset import OutSet, edit_id, write_png
from augment.dataset.photographs import Shot
from augment.errors import RunError
from augment.files import write_json
from augment.job.attempts import Verdict
from augment.job.records import Record, base_record, losses_log, verdict_record
from augment.job.stopping import Stopper
from augment.job.work import Work


class FilesError(RunError):
    """Files that cannot be written: a full disk, a folder that became read-only. The run cannot go on."""


@contextmanager
def writing_to(root: Path) -> Iterator[None]:
    """Turn what the file system refuses into a FilesError of one line."""
    try:
        yield
    except OSError as error:
        place = error.filename or root
        reason = (error.strerror or str(error)).lower()
        cure = 'what was finished is safe; make room or choose another --out, then give the same command again'
        raise FilesError(f'{place}: {reason}; {cure}') from error


class Writer:
    """Puts what became of a photograph into the sets of its words; a signal waits until that is whole.

    ``tell`` is handed each line of the manifest.
    """

    def __init__(self, work: Work, stopper: Stopper, tell: Callable[[Record], None] | None = None) -> None:
        self.work, self.stopper, self.tell = work, stopper, tell or (lambda _: None)

    def keep_original(self, shot: Shot, words: Sequence[str]) -> None:
        """Put the photograph itself into the sets, where that is wanted."""
        if self.work.keeping.originals:
            for root in self.work.roots(words):
                with self.stopper.writing(), writing_to(root):
                    OutSet(root).add_original(shot.item)

    def note(self, shot: Shot, word: str, status: str, **why: Any) -> None:
        """A line for an edit that leaves no files, such as a failed one."""
        journal = self.work.journals[word]
        with self.stopper.writing(), writing_to(journal.root):
            OutSet(journal.root).remove_edit(edit_id(shot.item.stem, word))
            record = base_record(shot, word, status, **self._settings(), **why)
            journal.append(record)
        self.tell(record)

    def log(self, shot: Shot, verdicts: Sequence[Verdict]) -> None:
        """The losses of the photograph's inversions, in each of the sets."""
        for root in self.work.roots([verdict.edited.word for verdict in verdicts]):
            with self.stopper.writing(), writing_to(root):
                write_json(OutSet(root).log(shot.item.stem), losses_log(verdicts))

    def save(self, shot: Shot, verdict: Verdict, **more: Any) -> Record:
        """The files of an edit, then its line, which is returned; ``more`` are values of the line."""
        journal, settings = self.work.journals[verdict.edited.word], self.work.settings
        rejected = bool(verdict.failed) and settings.gates.mode == 'enforce'
        record = base_record(
            shot,
            verdict.edited.word,
            'rejected' if rejected else 'ok',
            reason=verdict.failed[0] if rejected else None,
            **self._settings(),
            **verdict_record(verdict),
            **more,
        )
        with self.stopper.writing(), writing_to(journal.root):
            files = Files(OutSet(journal.root), record['id'], record['reason'])
            try:
                record |= files.write(shot, verdict, self.work)
            except OSError:
                files.out.remove_edit(files.name)
                raise
            journal.append(record)
        self.tell(record)
        return record

    def _settings(self) -> dict[str, Any]:
        settings = self.work.settings
        return {'settings_hash': settings_hash(settings), 'seed': settings.seed}


@dataclass(frozen=True)
class Files:
    """The files of the edit ``name``; with a ``reason`` they go into its quarantine."""

    out: OutSet
    name: str
    reason: str | None

    def write(self, shot: Shot, verdict: Verdict, work: Work) -> dict[str, Any]:
        """Write all of them, the image last, since by it the edit is seen; returns what the line says of them."""
        self.out.remove_edit(self.name)
        said: dict[str, Any] = {'output': {}}
        if work.keeping.masks:
            path = self.out.mask(self.name)
            write_png(path, verdict.edited.region)
            said['region_file'] = self._relative(path)
        if self.reason is None or work.keeping.rejected:
            said['output'] = self._write_pair(verdict)
        if self.reason is None and verdict.relabelled and verdict.relabelled.needs_review:
            self._write_review(shot, verdict, work)
        return said

    def _write_pair(self, verdict: Verdict) -> dict[str, str]:
        from augment.files import sha256

        paths = {}
        if verdict.relabelled:
            paths['label'] = self.out.label(self.name, self.reason)
            write_png(paths['label'], verdict.relabelled.label)
        paths['image'] = self.out.image(self.name, self.reason)
        write_png(paths['image'], verdict.edited.image)
        hashes = {f'{key}_sha256': sha256(path) for key, path in paths.items()}
        return {key: self._relative(path) for key, path in paths.items()} | hashes

    def _write_review(self, shot: Shot, verdict: Verdict, work: Work) -> None:
        from augment.labels.review import write_review

        classes, palette = work.source.legend()
        new, before = verdict.relabelled.label, dict(original=shot.image, old_label=shot.label)
        write_review(self.out.root / 'review', self.name, verdict.edited.image, new, classes, palette, **before)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.out.root).as_posix()
