"""What a reader wants to know first: how many edits can be used, and what is wrong with the others."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from augment.dataset.manifest import STATES
from augment.quality import IDENTICAL
from augment.report.records import Line
from augment.report.wording import amount, duration, failure

ALIKE = 2  # bits of 64 in which two fingerprints differ that show the same


@dataclass(frozen=True)
class WordRow:
    """A word in the table: edits by status, labels to review, and medians over the edits that were made."""

    word: str
    counts: Mapping[str, int]
    review: int
    medians: Mapping[str, float]
    seconds: float | None


@dataclass(frozen=True)
class Trouble:
    """One reason why edits were not made: in words, and the ids."""

    status: str
    reason: str
    ids: tuple[str, ...]


def by_word(lines: Sequence[Line]) -> list[WordRow]:
    """A row for every word, in the order of the alphabet."""
    return [
        _row(word, [line for line in lines if line.word == word]) for word in sorted({each.word for each in lines})
    ]


def _row(word: str, lines: Sequence[Line]) -> WordRow:
    counts = Counter(line.status for line in lines)
    values: dict[str, list[float]] = {}
    for line in lines:
        for score, value in line.scores.items():
            values.setdefault(score, []).append(value)
    seconds = [line.seconds for line in lines if line.scores and line.seconds]
    return WordRow(
        word=word,
        counts={status: counts[status] for status in STATES},
        review=sum(line.needs_review and line.status == 'ok' for line in lines),
        medians={score: median(found) for score, found in values.items()},
        seconds=median(seconds) if seconds else None,
    )


def troubles(lines: Sequence[Line]) -> list[Trouble]:
    """Failed and skipped edits by reason, the failed ones and the most frequent first."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line.status in ('failed', 'skipped'):
            found.setdefault((line.status, line.why), []).append(line.id)
    listed = [Trouble(status, reason, tuple(ids)) for (status, reason), ids in found.items()]
    return sorted(listed, key=lambda each: (each.status, -len(each.ids)))


def findings(lines: Sequence[Line], gates: Mapping[str, Any]) -> list[str]:
    """The sentences at the top of the page; what does not apply is left out."""
    rules: list[Callable[[Sequence[Line], Mapping[str, Any]], str | None]] = [
        _usable,
        _rejected,
        _reporting,
        _background,
        _review,
        _alike,
        _again,
        _time,
    ]
    return [sentence for rule in rules if (sentence := rule(lines, gates))]


def _usable(lines: Sequence[Line], gates: Mapping[str, Any]) -> str:
    good = [line for line in lines if line.status == 'ok']
    photographs = len({line.stem for line in good})
    share = f' ({100 * len(good) / len(lines):.0f} %)' if lines else ''
    return (
        f'{len(good)} of {amount(len(lines), "edit")} can be used{share}, of {amount(photographs, "photograph")}.'
    )


def _rejected(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    rejected = [line for line in lines if line.status == 'rejected']
    if not rejected:
        return None
    return f'{amount(len(rejected), "rejected edit")} in quarantine/: {_by_gate(rejected)}.'


def _reporting(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    failing = [line for line in lines if line.status == 'ok' and line.failed_gates]
    if not failing:
        return None
    return (
        f'The gates only reported: {amount(len(failing), "usable edit")} would be refused ({_by_gate(failing)}).'
    )


def _by_gate(lines: Sequence[Line]) -> str:
    counts = Counter(line.failed_gates[0] if line.failed_gates else line.why for line in lines)
    return ', '.join(f'{failure(gate)} {count}' for gate, count in counts.most_common())


def _background(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    values = [line.scores['background_psnr'] for line in lines if _is_usable(line, 'background_psnr')]
    if not values:
        return None
    changed = [value for value in values if value < IDENTICAL]
    if not changed:
        return f'Outside its region, each of the {len(values)} is the photograph, pixel for pixel.'
    worst = f'the worst keeps {min(changed):.1f} dB'
    return f'{len(changed)} of {len(values)} also changed outside their region; {worst}.'


def _review(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    count = sum(line.needs_review and line.status == 'ok' for line in lines)
    return f'{amount(count, "label")} should be reviewed before training: see review/.' if count else None


def _alike(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    same = {
        what: sum(line.scores[score] <= ALIKE for line in lines if _is_usable(line, score))
        for score, what in (('bits_source', 'its photograph'), ('bits_words', 'another word of it'))
    }
    parts = [f'{count} from {what}' for what, count in same.items() if count]
    return f'Fingerprints can hardly tell {", ".join(parts)}.' if parts else None


def _again(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    count = sum(bool(line.attempts) and line.status == 'ok' for line in lines)
    return f'{amount(count, "usable edit")} took more than one attempt; each says why.' if count else None


def _time(lines: Sequence[Line], gates: Mapping[str, Any]) -> str | None:
    seconds = [line.seconds for line in lines if line.seconds and line.scores]
    if not seconds:
        return None
    return f'It took {duration(median(seconds))} an edit (median), {duration(sum(seconds))} in all.'


def _is_usable(line: Line, score: str) -> bool:
    return line.status == 'ok' and score in line.scores
