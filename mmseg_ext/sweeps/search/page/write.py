"""Write the page of a search, in the looks of the page that compares runs."""

import base64
import hashlib
from pathlib import Path

import optuna
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mmseg_ext.files import write_text
from mmseg_ext.reports.page import write as comparison
from mmseg_ext.sweeps.search.page.view import Page, page_of
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.wording import shown

PAGE = 'report.html'


def write_page(study: optuna.Study, request: Request) -> Path:
    """``report.html`` in the folder of the study: one file that asks for nothing else."""
    path = request.folder / PAGE
    write_text(path, render(page_of(study, request)))
    return path


def render(page: Page) -> str:
    """The page as HTML; whatever comes from spaces, configs and logs is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= dict(shown=shown)
    style, script = ((comparison.HERE / name).read_text(encoding='utf-8') for name in ('page.css', 'page.js'))
    return environment.get_template('search.html.jinja').render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
