"""What a person needs to judge and correct proposed labels: a folder that holds all of it.

review/
  overlays/<stem>.png   photograph, edit, and edit with the old and the proposed outlines: look here first
  images/<stem>.png     the edit
  masks/<stem>.png      the proposal: one channel, class indices, 255 = not scored
  labelme/<stem>.json   the proposal for labelme, which finds its image by itself
  labels.txt            the names of the classes, for labelme's --labels
  coco/<stem>.json      the proposal as COCO instances
  coco.json             all of them, for CVAT and other tools
  README.txt            what to do with it
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from augment.dataset.outset import write_png
from augment.files import write_json, write_text
from augment.labels.coco import joined, to_coco
from augment.labels.labelme import to_labelme
from augment.labels.names import IGNORED_NAME
from augment.labels.overlay import overlay

LABELS = 'labels.txt'
README = """\
Proposed labels, to be looked at and corrected.

Look:     overlays/*.png. Dashed white: the label before the edit. In the colour of a class: the proposal.
labelme:  labelme images --output labelme --labels labels.txt --nodata
          Save each file where it is. Later shapes lie on top; a hole is a shape of the first class of the list
          after {ignored}, which itself means: not scored.
CVAT:     make a task of images/, upload coco.json as "COCO 1.0", correct, export as "COCO 1.0".
Painting: masks/*.png, one channel of 8 bits, class indices as in labels.txt counted from 0 after {ignored}.

Read back from this folder's parent:
          python augment/import_labels.py SET                        what labelme saved
          python augment/import_labels.py SET --from FILE.json       a COCO file
          python augment/import_labels.py SET --from SET/review/masks
"""


def write_review(
    folder: Path,
    stem: str,
    image: np.ndarray,
    label: np.ndarray,
    classes: Sequence[str],
    palette: Sequence[Sequence[int]],
    *,
    original: np.ndarray | None = None,
    old_label: np.ndarray | None = None,
) -> None:
    """Put one edited photograph and its proposed label into the review folder, replacing what it had of them.

    ``image`` is the edit, ``original`` the photograph it was made of, both (H, W, 3) uint8 RGB; ``label`` is the
    proposal and ``old_label`` the photograph's, both (H, W) uint8. ``classes`` and ``palette`` (RGB) name and
    colour the values of a label.
    """
    folder = Path(folder)
    picture = overlay(image, label, classes, palette, original, old_label)
    for name, content in (('images', image), ('masks', label), ('overlays', picture)):
        write_png(_place(folder, name, f'{stem}.png'), content)
    image_path = '../' * (1 + stem.count('/')) + f'images/{stem}.png'
    write_json(_place(folder, 'labelme', f'{stem}.json'), to_labelme(label, classes, image_path))
    write_json(_place(folder, 'coco', f'{stem}.json'), to_coco(stem, label, classes))
    write_text(folder / LABELS, '\n'.join([IGNORED_NAME, *classes]) + '\n')
    write_text(folder / 'README.txt', README.format(ignored=IGNORED_NAME))
    write_coco(folder)


def _place(folder: Path, name: str, file: str) -> Path:
    path = folder / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write_coco(folder: Path) -> None:
    """Join ``coco/*.json`` to ``coco.json``; once more at the end, where several processes wrote at one time."""
    files = sorted((folder / 'coco').rglob('*.json'))
    whole = joined(json.loads(file.read_text(encoding='utf-8')) for file in files)
    write_text(folder / 'coco.json', json.dumps(whole, ensure_ascii=False) + '\n')
