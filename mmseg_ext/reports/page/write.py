"""Write the report of a project: the page, the tables as Markdown, and every run as a line of CSV."""

from pathlib import Path

from mmseg_ext.files import replacing, writable_folder, write_text
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.text import markdown, write_csv
from mmseg_ext.reports.comparison.wording import points, score
from mmseg_ext.reports.page import shell
from mmseg_ext.reports.page.facts import log_of
from mmseg_ext.reports.page.findings import interval, number
from mmseg_ext.reports.page.key import swatch
from mmseg_ext.reports.page.view import Page, Progress, page_of
from mmseg_ext.score_names import digits


def write_report(
    project: str | Path, out: str | Path | None = None, progress: Progress = lambda *_: None
) -> list[Path]:
    """``report.html``, ``tables.md`` and ``results.csv`` of a project's folder, written there or into ``out``.

    The page is one file that asks for nothing else. Raises UsageError for a folder without plan and run, or one
    that cannot be written to; ``progress`` is told how many parts of how many are done.
    """
    content = read_project(project)
    folder = writable_folder(out or project)
    page, tables, results = (folder / name for name in ('report.html', 'tables.md', 'results.csv'))
    write_text(tables, markdown(content))
    with replacing(results) as partial:
        write_csv(content, partial)
    write_text(page, render(page_of(content, progress)))
    return [page, tables, results]


def render(page: Page) -> str:
    """The page as HTML."""
    functions = dict(
        number=number, points=points, interval=interval, log=log_of, swatch=swatch, score=score, digits=digits
    )
    return shell.render(shell.HERE, 'page.html.jinja', page, functions)
