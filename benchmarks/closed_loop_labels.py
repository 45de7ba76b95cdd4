"""What the label policies do where the truth is known: on photographs with a word truly rendered about the defect.

The renderer paints no word over a defect, so the photograph's own label is the true one and ``copy`` has no fault.
What ``propose`` adds to it is wrong, what ``ignore-ring`` withdraws is given up. A proposal cannot lose anything
here, where no pixel of a defect changes: that needs edits, whose truth nobody knows.
"""

from typing import NamedTuple

import torch
from closed_loop_data import BLADES, photographs, read, variants
from markdown_table import markdown_table
from torch import Tensor

from augment.config.settings import WORDS, LabelSettings
from augment.labels.names import IGNORED
from augment.labels.policies import relabel
from mmseg_ext.functional.confusion import class_scores, confusion_counts

CLASSES = 3
HEADS = ('word', 'propose: IoU with the truth', 'background added', 'ignore-ring: withdrawn')


class Faults(NamedTuple):
    """Percent. ``iou``: of the proposed defects with the true ones, mean over the classes. ``added`` is background
    that the proposal calls defect, of the true defect; ``withdrawn`` the background of the word's region that
    ``ignore-ring`` takes out of the score.
    """

    iou: float
    added: float
    withdrawn: float


def policy_table() -> str:
    """A line a word, as Markdown."""
    return markdown_table(HEADS, ([word, *(f'{figure:.1f}' for figure in policy_faults(word))] for word in WORDS))


def policy_faults(word: str) -> Faults:
    """The faults over all training photographs with ``word`` rendered."""
    pixels, withdrawn, ground = torch.zeros(CLASSES, CLASSES, dtype=torch.int64), 0, 0
    for shown, region in variants(word, photographs()):
        before = read(BLADES, shown.name.partition('__')[0])
        proposed, ring = (
            relabel(before.image, shown.image, before.label, region, LabelSettings(mode=mode)).label
            for mode in ('propose', 'ignore-ring')
        )
        pixels += confusion_counts(torch.tensor(proposed), torch.tensor(shown.label), CLASSES)
        withdrawn += int((ring == IGNORED).sum())
        ground += int((region & (shown.label == 0)).sum())
    return faults(pixels, withdrawn, ground)


def faults(pixels: Tensor, withdrawn: int, ground: int) -> Faults:
    """From pixels by true (row) and proposed class, (C, C), and background of the regions: withdrawn, and all."""
    defect = max(int(pixels[1:].sum()), 1)
    return Faults(
        iou=100 * float(class_scores(pixels)['IoU'][1:].mean()),
        added=100 * float(pixels[0, 1:].sum() / defect),
        withdrawn=100 * withdrawn / max(ground, 1),
    )
