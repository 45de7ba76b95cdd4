"""A page as one HTML file that asks for nothing else: style and script inside, and no other script allowed."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent


def render(folder: Path, template: str, page: Any, functions: Mapping[str, Callable]) -> str:
    """The HTML of ``page`` by a template in ``folder`` that extends ``shell.html.jinja``.

    ``functions`` are at hand as filters and by call. Whatever comes from configs and data is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= functions
    environment.globals |= functions
    style, script = ((HERE / name).read_text(encoding='utf-8') for name in ('page.css', 'page.js'))
    return environment.get_template(template).render(
        page=page,
        style=Markup(style),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
