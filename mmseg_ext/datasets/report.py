"""A set report as a person reads it: a table, weights for a loss, findings in groups, a plot."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from mmseg_ext.datasets.checkup import SetReport
from mmseg_ext.datasets.problems import Problem, group
from mmseg_ext.errors import UsageError
from mmseg_ext.files import replacing

ALPHA_POWER = 0.25
SHOWN = 3  # paths of one kind of finding


def focal_alpha(pixels: Sequence[int]) -> np.ndarray:
    """Class weights for a focal loss from pixel counts, (C,), positive, sum 1.

    alpha_c ∝ share_c^(-1/4). A power of 1 would give every class the same total weight, 1/2 undoes half of the
    imbalance (in logarithms); a focal loss plays down easy pixels by itself, nearly all of which are background,
    so a quarter is left to alpha. Shares of 99.77, 0.20 and 0.03 % give 0.08, 0.35, 0.57. A class without a pixel
    gets the weight of the rarest that has some.
    """
    counts = np.asarray(pixels, float)
    if not counts.any():
        return np.full(len(counts), 1 / len(counts))
    counts = np.where(counts > 0, counts, counts[counts > 0].min())
    weights = (counts / counts.sum()) ** -ALPHA_POWER
    return weights / weights.sum()


def print_report(report: SetReport, console: Console) -> None:
    """Table, suggestion, notes, problems, verdict."""
    if any(split.images for split in report.splits.values()):
        console.print(class_table(report))
    source = next((name for name, split in report.splits.items() if split.pixels.sum()), None)
    if source:
        alpha = ', '.join(f'{weight:.3f}' for weight in focal_alpha(report.splits[source].pixels))
        text = f"dict(type='SoftmaxFocalLoss', alpha=[{alpha}], gamma=2.0)"
        console.print(f'Focal loss for the shares in {source} (weight = share^-{ALPHA_POWER}, sum 1):')
        console.print(f'  {text}', highlight=False, markup=False, soft_wrap=True)
    _print_findings('Worth knowing', report.notes, 'yellow', console)
    _print_findings('Problems', report.problems, 'red', console)
    checked = sum(split.checked for split in report.splits.values())
    verdict = f'[red]{len(report.problems)} problems[/]' if report.problems else '[green]no problems[/]'
    console.print(f'{report.name}: {checked} pairs checked, {verdict}')


def class_table(report: SetReport) -> Table:
    """One row a split and class: images that contain it, pixels, share of the pixels that are not ignored."""
    table = Table('split', 'class', title=f'Classes of {report.name}', title_justify='left')
    for heading in ('images', 'pixels', 'share %'):
        table.add_column(heading, justify='right')
    for name, split in report.splits.items():
        table.add_section()
        table.add_row(
            f'[bold]{name}', '[bold]all', str(split.images), f'{split.pixels.sum() + split.ignored:,}', ''
        )
        for index, label in enumerate(split.classes):
            share = f'{100 * split.shares[index]:.3g}' if split.pixels.sum() else '-'
            row = (str(split.images_with[index]), f'{split.pixels[index]:,}', share)
            table.add_row('', f'{index} {label}', *row)
        if split.ignored:
            table.add_row('', '[dim]ignored', '', f'[dim]{split.ignored:,}', '')
    return table


def _print_findings(title: str, findings: Sequence[Problem], colour: str, console: Console) -> None:
    """Each kind of finding with its first paths, which stay whole: nothing is cut or wrapped for the width."""
    if findings:
        console.print(f'[{colour}]{title}')
    for kind in group(findings):
        count = f'{len(kind)} times: ' if len(kind) > 1 else ''
        lines = [f'  • {count}{kind[0].what}; {kind[0].cure}', *(finding.path for finding in kind[:SHOWN])]
        if len(kind) > SHOWN:
            lines.append(f'and {len(kind) - SHOWN} more')
        console.print('\n      '.join(lines), highlight=False, markup=False, soft_wrap=True)


def plot_shares(report: SetReport, path: str | Path) -> None:
    """Share of every class in every split on a logarithmic axis, as a PNG.

    Raises:
        UsageError: ``path`` cannot be written.
    """
    from matplotlib.figure import Figure  # a second to import, and only needed here

    rows = len(report.classes)
    figure = Figure(figsize=(7, 1.6 + 0.42 * rows), dpi=130, layout='constrained')
    axes = figure.subplots()
    styles = [('#0072B2', 'o'), ('#E69F00', 's'), ('#CC79A7', '^'), ('#009E73', 'D')]  # Okabe and Ito
    for place, (name, split) in enumerate(report.splits.items()):
        colour, marker = styles[place % len(styles)]
        shift = 0.18 * (place - (len(report.splits) - 1) / 2)
        shares = np.where(split.shares > 0, 100 * split.shares, np.nan)
        axes.plot(shares, np.arange(rows) + shift, marker, color=colour, ms=7, label=name)
    axes.set(
        xscale='log', xlabel='share of the labelled pixels, %', title=f'{report.name}: how rare each class is'
    )
    axes.set_yticks(range(rows), [f'{index} {name}' for index, name in enumerate(report.classes)])
    axes.set_ylim(rows - 0.5, -0.5)
    axes.xaxis.set_major_formatter(lambda value, _: f'{value:g}')
    axes.grid(axis='x', which='major', alpha=0.4)
    axes.spines[['top', 'right']].set_visible(False)
    figure.legend(loc='outside lower center', ncols=len(report.splits), frameon=False)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            figure.savefig(partial)
    except OSError as error:
        raise UsageError(f'{path}: cannot be written ({error.strerror}); choose another --out') from error
