"""The rows of the ablation as Markdown: tables, what they say to the claims, and thresholds for the gates."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from edit_ablation_claims import CLAIMS, Claim, finding, holm, verdict
from edit_ablation_gates import COLUMNS, calibrated, gates_text, is_accepted
from edit_ablation_settings import EVERY_WORD, TABLES, UNEDITED, name_of, preset, turn
from markdown_table import markdown_table, mean_deviation

from augment.config.settings import WORDS
from augment.errors import UsageError
from augment.files import write_text

Row = dict[str, str]
SHOWN = {  # score: heading, digits after the point, factor
    'recon_psnr': ('reconstruction dB', 2, 1),
    'recon_ssim': ('SSIM', 3, 1),
    'background_psnr': ('background dB', 2, 1),
    'word_score': ('word', 2, 1),
    'recognised': ('recognised %', 0, 100),
    'change': ('change in region', 3, 1),
    'forward': ('UNet rows', 0, 1),
    'backward': ('gradients', 0, 1),
    'seconds': ('s', 1, 1),
}
PLAIN = ('recognised',)  # a share: its deviation says nothing more


def newest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the model and the number of steps that were measured last. Raises UsageError without any."""
    if not rows:
        raise UsageError('no row is measured yet: run benchmarks/edit_ablation.py without --print and --gates')
    same = ('model', 'steps')
    return [row for row in rows if all(row[name] == rows[-1][name] for name in same)]


def own(rows: Iterable[Row], setting: str) -> list[Row]:
    """The rows of a setting in which each window is edited towards its own word."""
    return [row for row in rows if row['setting'] == setting and row['word'] == turn(int(row['index']))]


def tables_and_claims(rows: Sequence[Row], tables: Sequence[str]) -> str:
    """Everything that ``--print`` shows."""
    parts = [_about(rows), _table('no edit', {UNEDITED: own(rows, UNEDITED)})]
    for name, settings in TABLES.items():
        if name in tables:
            parts.append(_table(name, {label: own(rows, name_of(each)) for label, each in settings.items()}))
    if EVERY_WORD in tables:
        used = [row for row in rows if row['setting'] == name_of(preset('pocket'))]
        parts.append(_table(EVERY_WORD, {word: [row for row in used if row['word'] == word] for word in WORDS}))
    return '\n\n'.join([*filter(None, parts), claims_table(rows, tables)])


def _about(rows: Sequence[Row]) -> str:
    first, count = rows[0], len({row['window'] for row in rows})
    accuracy = 100 * float(first['classifier_accuracy'])
    return (
        f'Model {first["model"]}, {first["steps"]} steps, {count} windows, {first["device"]}; mean ± standard '
        f'deviation over the windows. The classifier names {accuracy:.1f} % of the rendered test windows rightly.'
    )


def _table(name: str, groups: dict[str, list[Row]]) -> str:
    heads = [name, 'n', *(heading for heading, *_ in SHOWN.values())]
    lines = [
        [label, str(len(rows)), *(_cell(rows, score) for score in SHOWN)] for label, rows in groups.items() if rows
    ]
    return markdown_table(heads, lines) if lines else ''


def _cell(rows: Sequence[Row], score: str) -> str:
    _, digits, factor = SHOWN[score]
    numbers = [factor * float(row[score]) for row in rows if row[score]]
    return mean_deviation(numbers, digits, deviates=score not in PLAIN)


def claims_table(rows: Sequence[Row], tables: Sequence[str]) -> str:
    """Each claim about ``tables``, the difference that speaks for or against it, and the verdict.

    The correction counts every claim that there are rows for, also those about other tables.
    """
    findings = [
        finding(claim, _scores(rows, claim, claim.more), _scores(rows, claim, claim.less)) for claim in CLAIMS
    ]
    lines = []
    for found, p in zip(findings, holm([found.p for found in findings]), strict=True):
        claim = found.claim
        if claim.table not in tables:
            continue
        what = f'{claim.table}: {claim.score}, {claim.more} against {claim.less}'
        judged = verdict(found.difference, p)
        numbers = (f'{found.difference:+.3g}', f'{p:.2g}') if found.n else ('', '')
        lines.append((claim.text, what, str(found.n), *numbers, judged))
    return markdown_table(('claim', 'table: score', 'n', 'difference', 'p (Wilcoxon, Holm)', 'verdict'), lines)


def _scores(rows: Sequence[Row], claim: Claim, label: str) -> dict[str, float]:
    found = own(rows, name_of(TABLES[claim.table][label]))
    return {row['window']: float(row[claim.score]) for row in found if row[claim.score]}


def gate_tables(rows: Sequence[Row], path: Path) -> str:
    """Calibrate on all edits and on the preset's; the lines go to ``path``, its gates to the screen."""
    edited = [row for row in rows if row['setting'] != UNEDITED]
    used = [row for row in edited if row['setting'] == name_of(preset('pocket'))]
    lines = calibrated(edited, 'all') + calibrated(used, 'pocket')
    write_text(path, _csv(lines))
    shares = [f'{sum(map(is_accepted, chosen))} of {len(chosen)}' for chosen in (edited, used)]
    accepted = f'Accepted: {shares[0]} edits of all settings, {shares[1]} of the preset pocket.'
    source = f'{len({row["window"] for row in used})} windows, {rows[0]["steps"]} steps, model {rows[0]["model"]}'
    text = gates_text([line for line in lines if line['edits'] == 'pocket'], source)
    return '\n\n'.join([accepted, _gates(lines), f'```toml\n{text}```'])


def _csv(lines: Sequence[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator='\n')
    writer.writeheader()
    for line in lines:
        rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in line.items()}
        writer.writerow(rounded)
    return text.getvalue()


def _gates(lines: Sequence[dict]) -> str:
    names = [name for name in COLUMNS if not name.endswith(('q25', 'q75'))]
    return markdown_table(names, ([_text(line[name]) for name in names] for line in lines))


def _text(value: object) -> str:
    return f'{value:.3g}' if isinstance(value, float) else str(value)
