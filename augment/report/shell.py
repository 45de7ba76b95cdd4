"""A page as one HTML file that asks for nothing else: style and script inside, and no other script allowed."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from augment.report.view import Page

HERE = Path(__file__).parent / 'page'


def render(page: Page, functions: Mapping[str, Callable]) -> str:
    """The HTML of ``page``; ``functions`` are at hand by call. Whatever comes from files is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= dict(functions) | {'link': quote}
    style, script = ((HERE / name).read_text(encoding='utf-8') for name in ('page.css', 'page.js'))
    return environment.get_template('page.html.jinja').render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
