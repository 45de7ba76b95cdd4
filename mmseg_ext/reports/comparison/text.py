"""Tables as plain text for a terminal, as Markdown, and all runs as CSV."""

from pathlib import Path

from mmseg_ext.reports.comparison.records import Project


def project_text(folder: str | Path, name: str | None = None, width: int | None = None) -> str:
    """The tables of a project, or of the plan ``name`` alone, for a terminal of ``width`` columns."""
    raise NotImplementedError


def markdown(project: Project) -> str:
    """The tables of a project as Markdown, in the form of a paper: the model's name only in its first row."""
    raise NotImplementedError


def write_csv(project: Project, path: str | Path) -> None:
    """One line a run: where it belongs, its state, every score, and what the result says of data and machine."""
    raise NotImplementedError
