"""The numbers of a view: how often the network meets each class, against the data as they lie on disk."""

from collections import Counter
from collections.abc import Iterator

from rich.table import Table

from mmseg_ext.reports.browse import Statistics, View

SHOWN = 3  # sizes by number
HEADINGS = ('with it %\nseen', 'with it %\non disk', 'pixels %\nseen', 'pixels %\non disk', 'seen /\non disk')


def class_table(seen: Statistics, raw: Statistics | None, split: str) -> Table:
    """A row for each class: share of the samples with it and of their pixels, as seen and on disk, in percent.

    The last column is the quotient of the shares of pixels: how much more frequent the pipeline makes a class.
    """
    title = f'{split}: {seen.samples} samples as the network sees them, and the masks on disk'
    table = Table('class', title=title, title_justify='left')
    for heading in HEADINGS:
        table.add_column(heading, justify='right')
    for index, name in enumerate(seen.classes):
        row = [_percent(seen.images_with[index] / seen.samples), '-', _percent(seen.shares[index]), '-', '-']
        if raw is not None and raw.samples:
            row[1], row[3] = _percent(raw.images_with[index] / raw.samples), _percent(raw.shares[index])
            row[4] = f'{seen.shares[index] / raw.shares[index]:.2f}' if raw.pixels[index] else '-'
        table.add_row(f'{index} {name}', *row)
    if seen.ignored or (raw is not None and raw.ignored):
        shares = [
            _percent(each.ignored / (each.ignored + each.pixels.sum())) if each else '-' for each in (seen, raw)
        ]
        table.add_row('[dim]ignored', '', '', shares[0], shares[1], '')
    return table


def facts(seen: Statistics, view: View) -> Iterator[str]:
    """Sizes, normalised channels and speed, a line each."""
    padding = f'; {100 * seen.padding:.1f} % of that is padding' if seen.padding else ''
    yield f'sizes: {_sizes(seen.sizes)}\ninput of the network: {_sizes(seen.inputs)}{padding}'
    mean, deviation = (' '.join(f'{value:.2f}' for value in values) for values in seen.channels)
    yield f"normalised channels, in the network's order: mean {mean}, deviation {deviation}"
    seconds, loader = view.seconds(), view.loader
    yield (
        f'{1e3 * seconds:.1f} ms a sample in one process; the loader has {loader.num_workers}, '
        f'batches of {loader.batch_size}'
    )


def _percent(share: float) -> str:
    return f'{100 * share:.3g}'


def _sizes(sizes: Counter) -> str:
    """``512x512 (198), 410x512 (2)``, the most frequent first, and of what range the others are."""
    said = [f'{height}x{width} ({count})' for (height, width), count in sizes.most_common(SHOWN)]
    others = [size for size, _ in sizes.most_common()[SHOWN:]]
    if others:
        heights, widths = zip(*others, strict=True)
        said.append(f'{len(others)} others of {min(heights)}..{max(heights)} x {min(widths)}..{max(widths)}')
    return ', '.join(said)
