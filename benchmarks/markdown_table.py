"""What the scripts print of their rows: tables in Markdown, and means with their deviation."""

from collections.abc import Iterable, Sequence
from statistics import mean, stdev


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """``rows`` of cells below ``heads``."""
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (heads, ['---'] * len(heads), *rows))


def mean_deviation(numbers: Sequence[float], digits: int = 1, deviates: bool = True) -> str:
    """``3.1 ± 0.2``; without the deviation of one number, or where ``deviates`` is False; nothing of none."""
    if not numbers:
        return ''
    deviation = f' ± {stdev(numbers):.{digits}f}' if deviates and len(numbers) > 1 else ''
    return f'{mean(numbers):.{digits}f}{deviation}'
