"""What a run does: which photographs, towards which words, into which sets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from augment.config.settings import EditSettings
from augment.dataset.manifest import STATES, Journal, Record
from augment.dataset.outset import edit_id
from augment.dataset.photographs import Shot
from augment.dataset.source import Item, Source
from augment.job.records import is_done


@dataclass(frozen=True)
class Keeping:
    """What is written beside the edits: the original photographs, rejected edits, the regions of the edits."""

    originals: bool = True
    rejected: bool = True
    masks: bool = False


@dataclass
class Work:
    """Photographs of ``source`` and, for each word, the journal of its set; words of one set share it."""

    source: Source
    items: Sequence[Item]
    settings: EditSettings
    journals: dict[str, Journal]
    keeping: Keeping = field(default_factory=Keeping)

    def todo(self, shot: Shot) -> list[str]:
        """The words towards which a photograph is still to be edited."""
        found = []
        for word, journal in self.journals.items():
            record = journal.records.get(edit_id(shot.item.stem, word))
            if not is_done(record, shot, journal.root):
                found.append(word)
        return found

    def roots(self, words: Sequence[str]) -> list[Path]:
        """The sets of some words, each once."""
        return [*dict.fromkeys(self.journals[word].root for word in words)]

    def states(self) -> dict[str, dict[str, int]]:
        """Word -> how many of these photographs are ok, rejected, failed, skipped, as the journals have it."""
        counts = {word: dict.fromkeys(STATES, 0) for word in self.journals}
        for word, count in counts.items():
            for record in self._records(word):
                count[record['status']] += 1
        return counts

    def poor(self, word: str) -> int:
        """How many edits towards a word are in use although a gate would refuse them."""
        records = self._records(word)
        return sum(record['status'] == 'ok' and bool(record['failed_gates']) for record in records)

    def _records(self, word: str) -> list[Record]:
        found = self.journals[word].records
        names = (edit_id(item.stem, word) for item in self.items)
        return [found[name] for name in names if name in found]
