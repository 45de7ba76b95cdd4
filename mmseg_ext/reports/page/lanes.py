"""The lines of a table as lanes from top to bottom, models as headings: what bars, intervals and boxes share."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from mmseg_ext.reports.comparison.cells import Line
from mmseg_ext.reports.page.style import short

LANE = 21.5  # pixels


@dataclass(frozen=True)
class Lanes:
    """``lines`` lie at ``places`` (downwards from 0), the names of models at those of ``headings``."""

    lines: tuple[Line, ...]
    places: tuple[float, ...]
    headings: tuple[tuple[float, str], ...]

    @property
    def height(self) -> float:
        """Pixels that a plot of these lanes needs."""
        return 72 + LANE * (self.places[-1] + 1)

    def label(self, axis: Axes) -> None:
        """Names at the left of an axis, that of a model in bold above those of its groups."""
        ticks = [*((place, short(line.group)) for place, line in zip(self.places, self.lines, strict=True))]
        ticks += [(place, short(model)) for place, model in self.headings]
        axis.set_yticks([place for place, _ in ticks], [name for _, name in ticks])
        for text in axis.get_yticklabels()[len(self.lines) :]:
            text.set_fontweight('bold')
        axis.tick_params(axis='y', length=0)
        axis.set_ylim(self.places[-1] + 0.7, -0.7)
        axis.spines['left'].set_visible(False)


def lanes(lines: Sequence[Line]) -> Lanes:
    """A lane for each line; where there is more than one model, one before them for its name."""
    models = list(dict.fromkeys(line.model for line in lines))
    ordered = [line for model in models for line in lines if line.model == model]
    places, headings, place = [], [], 0.0
    for index, line in enumerate(ordered):
        if len(models) > 1 and (index == 0 or line.model != ordered[index - 1].model):
            place += 0.3 * bool(index)
            headings.append((place, line.model))
            place += 1
        places.append(place)
        place += 1
    return Lanes(tuple(ordered), tuple(places), tuple(headings))
