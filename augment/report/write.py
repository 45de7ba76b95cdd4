"""Write the page of an output folder, and its lines as a table."""

from pathlib import Path


def write_report(out: str | Path, pictures: int = 12) -> Path:
    """``report.html`` and ``report.csv`` of an output folder, from its manifest.jsonl, run.json and pictures.

    The page is one file that asks for nothing else. It shows up to ``pictures`` edits of a word (and half as many
    of its rejected ones); the others are linked. Raises DataError without a manifest. Returns the page's path.
    """
    raise NotImplementedError(out, pictures)
