"""One look for every plot of the page: colours, markers, type, and SVG that can stand inside HTML."""

import hashlib
import io
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from mmseg_ext.reports.curves import COLOURS

BASELINE = '#6B6B6B'  # what others are measured against is neutral
DARK_FIRST = tuple(COLOURS[index] for index in (5, 1, 3, 7, 6, 2, 0, 4))  # yellow, pale on white, comes last
MARKERS = 'osD^vPXd'
LINES = ('-', (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))
INK, FAINT = '#1F2933', '#8A939C'
WIDTH = 1104  # of a plot over the whole page
SMALL = 11.5  # type; nothing on the page is smaller than 11 px
# Lengths are pixels of the page: the unit of an SVG file, 1/72 inch, is shown as one pixel.
SETTINGS = {
    'font.family': 'sans-serif',
    'font.sans-serif': ['DejaVu Sans'],
    'font.size': 12,
    'axes.titlesize': 12.5,
    'axes.titleweight': 'bold',
    'axes.titlelocation': 'left',
    'axes.edgecolor': FAINT,
    'axes.labelcolor': INK,
    'axes.titlecolor': INK,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.axisbelow': True,
    'xtick.color': INK,
    'ytick.color': INK,
    'text.color': INK,
    'text.parse_math': False,  # a class may be called $x$
    'grid.color': '#E3E7EB',
    'grid.linewidth': 1,
    'axes.linewidth': 1,
    'lines.linewidth': 2,
    'xtick.major.size': 4,
    'axes.titlepad': 8,
    'svg.fonttype': 'none',  # text stays text: it can be selected, and the browser has every letter
    'svg.hashsalt': 'mmseg-ext',
    'savefig.dpi': 110,  # of the parts that are pixels
}
SVG, XLINK = 'http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink'
_REFERENCE = re.compile(r'#([\w.:-]+)')

ElementTree.register_namespace('', SVG)
ElementTree.register_namespace('xlink', XLINK)


@dataclass(frozen=True)
class Look:
    """How one group is drawn wherever it appears."""

    colour: str
    marker: str
    line: str | tuple


def looks(groups: Sequence[str], baseline: bool) -> dict[str, Look]:
    """A look for every group: 8 colours, then again with other markers and lines; a baseline is grey."""
    colours = (BASELINE, *DARK_FIRST[:7]) if baseline else DARK_FIRST
    return {
        group: Look(
            colours[index % 8], MARKERS[(index + index // 8) % 8], LINES[(index + index // 8) % len(LINES)]
        )
        for index, group in enumerate(groups)
    }


def short(text: str, length: int = 34) -> str:
    """The text with its middle left out where it has more letters than that."""
    return text if len(text) <= length else f'{text[: length // 2]}…{text[-(length - length // 2 - 1) :]}'


def plot(label: str, size: tuple[float, float], draw: Callable[[Figure], None]) -> Markup:
    """What ``draw`` puts onto a figure of ``size`` pixels, as inline SVG; ``label`` is what is read out of it."""
    text = io.BytesIO()
    with rc_context(SETTINGS), warnings.catch_warnings():
        # Letters that this font lacks are drawn by the browser.
        warnings.filterwarnings('ignore', 'Glyph .* missing from font')
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout='constrained')
        draw(figure)
        figure.savefig(text, format='svg', metadata=dict.fromkeys(('Creator', 'Date', 'Format', 'Type')))
    return Markup(inline(text.getvalue(), label))


def inline(text: bytes, label: str) -> str:
    """An SVG file as an element of HTML: no header, no style for the whole page, ids that no other plot has."""
    root = ElementTree.fromstring(text)
    _remove(root, {f'{{{SVG}}}metadata', f'{{{SVG}}}style'})
    _rename_ids(root, f'p{hashlib.sha256(label.encode() + text).hexdigest()[:10]}-')
    size = {side: root.get(side).removesuffix('pt') for side in ('width', 'height')}
    root.attrib |= size | {'role': 'img', 'aria-label': label}
    return ElementTree.tostring(root, encoding='unicode')


def _remove(root: ElementTree.Element, tags: set[str]) -> None:
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in tags]:
            parent.remove(child)


def _rename_ids(root: ElementTree.Element, prefix: str) -> None:
    """Put ``prefix`` before the ids that something refers to, and before the references; drop the other ids."""
    ids = {element.get('id') for element in root.iter()} - {None}
    used = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            names = ids.intersection(_REFERENCE.findall(value))
            used |= names
            for name in names:
                element.set(key, value.replace(f'#{name}', f'#{prefix}{name}'))
    for element in root.iter():
        name = element.attrib.pop('id', None)
        if name in used:
            element.set('id', prefix + name)
