"""Write the page of an output folder, and its lines as a table."""

import csv
from collections.abc import Sequence
from pathlib import Path

from augment.files import replacing, write_text
from augment.report import wording
from augment.report.records import Line
from augment.report.shell import render
from augment.report.view import Progress, page_of


def write_report(out: str | Path, pictures: int = 10, progress: Progress = lambda *_: None) -> Path:
    """``report.html`` and ``report.csv`` of an output folder, from its manifest.jsonl, run.json and pictures.

    The page is one file that asks for nothing else. It shows up to ``pictures`` edits of a word (and half as many
    of its rejected ones); the others are linked. ``progress`` is told how many of how many are drawn. Raises
    DataError without a manifest. Returns the page's path.
    """
    out = Path(out)
    page = page_of(out, pictures, progress)
    with replacing(out / 'report.csv') as partial:
        write_csv(page.lines, partial)
    names = ('wording', 'failure', 'reasons', 'number', 'limit', 'duration', 'amount', 'STATES')
    write_text(out / 'report.html', render(page, {name: getattr(wording, name) for name in names}))
    return out / 'report.html'


def write_csv(lines: Sequence[Line], path: Path) -> None:
    """A row for each line of the manifest, a column for every score that any of them has."""
    scores = list(dict.fromkeys(score for line in lines for score in line.scores))
    head = ['id', 'stem', 'word', 'status', 'failed_gates', 'reason', 'needs_review', 'seconds', 'image', 'label']
    with path.open('w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow([*head, *scores])
        for line in lines:
            reason = '' if line.status == 'ok' else line.why
            own = [line.id, line.stem, line.word, line.status, ' '.join(line.failed_gates), reason]
            files = [line.output.get('image'), line.output.get('label')]
            values = [line.scores.get(score) for score in scores]
            writer.writerow([*own, int(line.needs_review), line.seconds, *files, *values])
