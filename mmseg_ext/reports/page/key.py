"""Beside every plot: which colour, line and marker stand for which group."""

from markupsafe import Markup

from mmseg_ext.reports.page.style import Look

SHAPES = {
    'o': '<circle cx="15" cy="7" r="3.8"/>',
    's': '<rect x="11.5" y="3.5" width="7" height="7"/>',
    '^': '<path d="M15 2.5 19 10.5 11 10.5z"/>',
    'v': '<path d="M15 11.5 19 3.5 11 3.5z"/>',
    'D': '<path d="M15 2 20 7 15 12 10 7z"/>',
    'd': '<path d="M15 2 18 7 15 12 12 7z"/>',
    'P': '<path d="M13.5 3h3v2.5h2.5v3h-2.5v2.5h-3v-2.5h-2.5v-3h2.5z"/>',
    'X': '<path d="M12 2.5 15 5.5 18 2.5 19.5 4 16.5 7 19.5 10 18 11.5 15 8.5 12 11.5 10.5 10 13.5 7 10.5 4z"/>',
}


def swatch(look: Look) -> Markup:
    """A piece of line with its marker, 30 x 14 px."""
    dashes = '' if look.line == '-' else ' '.join(f'{2 * part:g}' for part in look.line[1])
    return Markup(
        '<svg class="swatch" width="30" height="14" aria-hidden="true">'
        '<path d="M0 7h30" stroke="{0}" stroke-width="2" stroke-dasharray="{1}"/><g fill="{0}">{2}</g></svg>'
    ).format(look.colour, dashes, Markup(SHAPES[look.marker]))
