"""The photographs to be edited: images and labels of a train split, listed without being opened, read one by one.

    <root>/img_dir/train/…    .png .jpg .jpeg .bmp .tif .tiff
    <root>/ann_dir/train/…    one channel of class indices 0..C-1 of the same stem, 255 = not scored
    <root>/meta.json          classes and palette; without it label values are taken as they are

Validation and test images are never read, edited or copied: an edited test image would make every score a lie.
"""

import colorsys
import json
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from augment.errors import DataError, UsageError

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff')
HELD_OUT = ('val', 'valid', 'validation', 'test', 'testing', 'eval')
IGNORED = 255
GOLDEN = 0.618034  # of the colour circle: the steps that stay far apart however many there are


@dataclass(frozen=True)
class Item:
    """One photograph: its stem is its path below the folder without suffix; the label is None if it has none."""

    stem: str
    image: Path
    label: Path | None


@dataclass(frozen=True)
class Source:
    """A train split. ``labels`` is None where it has none at all, ``classes`` empty where nothing names them."""

    name: str
    images: Path
    labels: Path | None
    items: tuple[Item, ...]
    classes: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()

    def legend(self) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]]:
        """A name and a colour for every class; made up where the set has none."""
        names = self.classes or ('background', *(f'class {value}' for value in range(1, IGNORED)))
        hues = (colorsys.hsv_to_rgb(value * GOLDEN % 1, 0.85, 0.95) for value in range(1, len(names)))
        made_up = ((0, 0, 0), *(tuple(round(255 * part) for part in hue) for hue in hues))
        return names, self.palette if len(self.palette) == len(names) else made_up


def data_root() -> Path:
    """Where data sets are: ``$MMSEG_EXT_DATA``, else ``data``."""
    return Path(os.environ.get('MMSEG_EXT_DATA') or 'data')


def open_set(root: Path, split: str = 'train', classes: Sequence[str] = ()) -> Source:
    """The train split of a data set. Raises UsageError for another split, or when there is none."""
    if not root.is_dir():
        raise UsageError(f'{root}: no such data set; give --data FOLDER with img_dir/train and ann_dir/train')
    return open_folders(root / 'img_dir' / split, root / 'ann_dir' / split, classes, root)


def open_folders(
    images: Path, labels: Path | None, classes: Sequence[str] = (), root: Path | None = None
) -> Source:
    """Images and labels of two folders; ``root`` is the data set they belong to, where meta.json may be.

    Raises UsageError when a folder is missing, empty, or one of a validation or test split, when two images have
    one stem, or when meta.json is none.
    """
    for folder in filter(None, (images, labels)):
        _check_folder(folder)
    found, masks = _stems(images), _stems(labels) if labels else {}
    if not found:
        raise UsageError(f'{images}: no image in it; expected {" ".join(SUFFIXES)}')
    names, palette = _meta(root)
    items = tuple(Item(stem, path, masks.get(stem)) for stem, path in sorted(found.items()))
    name = (root or images).absolute().name
    return Source(name, images, labels, items, tuple(classes) or names, palette)


def _check_folder(folder: Path) -> None:
    held_out = [part for part in folder.absolute().parts[-2:] if part.lower() in HELD_OUT]
    if held_out:
        raise UsageError(f'{folder}: "{held_out[0]}" is held out for judging; only training images are edited')
    if not folder.is_dir():
        raise UsageError(f'{folder}: no such folder; expected img_dir/train and ann_dir/train in the data set')


def _stems(folder: Path) -> dict[str, Path]:
    """Stem -> path of all visible image files below ``folder``, in Unicode normal form C."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob('*')):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() not in SUFFIXES or any(part.startswith('.') for part in parts):
            continue
        stem = unicodedata.normalize('NFC', '/'.join(parts)[: -len(path.suffix)])
        if stem in found:
            raise UsageError(f'{path}: a second file of the stem "{stem}", besides {found[stem].name}; keep one')
        found[stem] = path
    return found


def _meta(root: Path | None) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]]:
    """Class names and palette of the set's meta.json; empty where it has none."""
    path = root / 'meta.json' if root else None
    if path is None or not path.is_file():
        return (), ()
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
        colours = tuple((int(red), int(green), int(blue)) for red, green, blue in meta.get('palette') or ())
        return tuple(map(str, meta.get('classes') or ())), colours
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f'{path}: no JSON with classes and palette ({error}); correct it, or move it away'
        ) from error


def selected(source: Source, stems: Sequence[str] = (), limit: int | None = None) -> tuple[Item, ...]:
    """The items of these ``stems`` (all when empty), the first ``limit`` of them. UsageError for unknown ones."""
    known = {item.stem: item for item in source.items}
    unknown = [stem for stem in stems if stem not in known]
    if unknown:
        some = ', '.join([*known][:3])
        raise UsageError(f'--ids {" ".join(unknown)}: no such image in {source.images}; there are {some}, …')
    chosen = [known[stem] for stem in dict.fromkeys(stems)] if stems else source.items
    return tuple(chosen[:limit])


def check_stems(source: Source, ends: Sequence[str]) -> None:
    """Raise DataError where an edit ``<stem>__<word>`` would have the name of a photograph of the set itself."""
    stems = {item.stem for item in source.items}
    doubles = [f'{stem}__{end}' for stem in sorted(stems) for end in ends if f'{stem}__{end}' in stems]
    if doubles:
        raise DataError(
            f'{source.images}: {doubles[0]} would be an edit and is there already ({len(doubles)} such); '
            'is this a set of edits? give the original one'
        )
