"""Write the page of a search, in the looks of the page that compares runs."""

from pathlib import Path

import optuna

from mmseg_ext.files import write_text
from mmseg_ext.reports.page import shell
from mmseg_ext.score_names import rounded
from mmseg_ext.sweeps.search.page.view import page_of
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.wording import shown

PAGE = 'report.html'


def write_page(study: optuna.Study, request: Request) -> Path:
    """``report.html`` in the folder of the study: one file that asks for nothing else."""
    path = request.folder / PAGE
    page = page_of(study, request)
    functions = dict(shown=shown, rounded=rounded)
    write_text(path, shell.render(Path(__file__).parent, 'search.html.jinja', page, functions))
    return path
