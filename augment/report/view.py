"""All that the page shows, gathered before a template sees it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from augment.config.settings import GateSettings
from augment.dataset.manifest import STATES
from augment.dataset.runfile import read_run
from augment.quality import GATES
from augment.report.histograms import Histogram, histograms
from augment.report.pictures import Sheet, sheet
from augment.report.records import Line, read_json, read_lines
from augment.report.summary import Trouble, WordRow, by_word, findings, troubles
from augment.report.wording import limit

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Card:
    """An edit with its pictures."""

    line: Line
    sheet: Sheet


@dataclass(frozen=True)
class Gallery:
    """The cards of a word, and how many more of its edits there are; ``anchor`` is its place on the page."""

    word: str
    anchor: str
    prompt: str
    cards: tuple[Card, ...]
    more: int


@dataclass(frozen=True)
class Page:
    """The whole page.

    ``facts`` and ``settings`` are (name, text) as they are shown; ``classes`` (name, CSS colour).
    ``statuses`` and ``failed`` hold what occurs: states of an edit, and gates that fail. ``cuts``: gate -> (score,
    threshold in words).
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    words: tuple[WordRow, ...]
    troubles: tuple[Trouble, ...]
    histograms: tuple[Histogram, ...]
    galleries: tuple[Gallery, ...]
    lines: tuple[Line, ...]
    statuses: tuple[str, ...]
    failed: tuple[str, ...]
    cuts: Mapping[str, tuple[str, str]]
    classes: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]


def page_of(out: Path, pictures: int, progress: Progress = lambda *_: None) -> Page:
    """The page of an output folder, with up to ``pictures`` usable edits of a word and half as many others."""
    lines, run, meta = read_lines(out), read_run(out), read_json(out / 'meta.json')
    gates = _gates(run)
    palette = meta.get('palette', [])
    return Page(
        name=out.resolve().name,
        facts=_facts(lines, run),
        findings=tuple(findings(lines, gates)),
        words=tuple(by_word(lines)),
        troubles=tuple(troubles(lines)),
        histograms=tuple(histograms(lines, gates)),
        galleries=tuple(_galleries(out, lines, palette, pictures, progress)),
        lines=tuple(lines),
        statuses=tuple(status for status in STATES if any(line.status == status for line in lines)),
        failed=tuple(gate.name for gate in GATES if any(gate.name in line.failed_gates for line in lines)),
        cuts={
            each.name: (each.score, limit(each.name, gates[each.name]))
            for each in GATES
            if gates[each.name] is not None
        },
        classes=_classes(meta.get('classes', []), palette),
        settings=tuple(flat({key: run[key] for key in run if key != 'stems'})),
    )


def _gates(run: Mapping[str, Any]) -> dict[str, Any]:
    """The thresholds of the run; the usual ones where it wrote none down."""
    usual = {each.name: each.default for each in fields(GateSettings)}
    return usual | run.get('settings', {}).get('gates', {})


def _facts(lines: Sequence[Line], run: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    settings, model = run.get('settings', {}), run.get('model', {})
    facts = {
        'Photographs': str(len({line.stem for line in lines})),
        'Words': str(len({line.word for line in lines})),
        'Inversion': settings.get('inversion', {}).get('method'),
        'Guidance': settings.get('guidance'),
        'Steps': settings.get('steps'),
        'Gates': settings.get('gates', {}).get('mode'),
        'Model': str(model.get('name') or '').rpartition('/')[-1],
        'Begun': str(run.get('started') or '')[:16],
    }
    return tuple(
        (name, f'{value:g}' if isinstance(value, float) else str(value)) for name, value in facts.items() if value
    )


def _classes(names: Sequence[str], palette: Sequence[Sequence[int]]) -> tuple[tuple[str, str], ...]:
    """Name and CSS colour of every class but the background."""
    pairs = list(zip(names, palette, strict=False))[1:]
    return tuple((name, 'rgb({} {} {})'.format(*colour)) for name, colour in pairs)


def _galleries(
    out: Path, lines: Sequence[Line], palette: Sequence[Sequence[int]], pictures: int, progress: Progress
) -> list[Gallery]:
    made = [line for line in lines if line.output.get('image')]
    words = {word: [line for line in made if line.word == word] for word in sorted({line.word for line in made})}
    chosen = {word: _chosen(own, pictures) for word, own in words.items()}
    total, galleries, done = sum(map(len, chosen.values())), [], 0
    for index, (word, own) in enumerate(words.items(), start=1):
        cards = []
        for line in chosen[word]:
            drawn = sheet(out, line, palette)
            cards += [Card(line, drawn)] if drawn else []
            done += 1
            progress(done, total)
        prompt = own[0].prompts.get('target', '')
        galleries.append(Gallery(word, f'word-{index}', prompt, tuple(cards), len(own) - len(cards)))
    return galleries


def _chosen(lines: Sequence[Line], pictures: int) -> list[Line]:
    """An even choice over the photographs, of the usable edits and of the rejected ones."""
    usable = [line for line in lines if line.status == 'ok']
    others = [line for line in lines if line.status != 'ok']
    return [*evenly(usable, pictures), *evenly(others, -(-pictures // 2))]


def evenly(lines: Sequence[Line], count: int) -> list[Line]:
    """At most ``count`` of them, spread from the first to the last."""
    if len(lines) <= count:
        return list(lines)
    return [lines[index * len(lines) // count] for index in range(count)]


def flat(content: Mapping[str, Any], prefix: str = '') -> list[tuple[str, str]]:
    """Nested settings as (dotted name, text)."""
    rows = []
    for key, value in content.items():
        name = f'{prefix}{key}'
        rows += flat(value, f'{name}.') if isinstance(value, Mapping) else [(name, _text(value))]
    return rows


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ', '.join(map(str, value)) or '–'
    return '–' if value is None else str(value)
