"""A prepared set on disk: images, index masks, index.csv (where each came from) and meta.json (what it holds)."""

import csv
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from mmseg_ext.datasets.check import SplitReport
from mmseg_ext.datasets.pairs import IMAGE_SUFFIXES
from mmseg_ext.datasets.prepare.download import Progress
from mmseg_ext.datasets.prepare.read import Reading, in_threads
from mmseg_ext.errors import UsageError

PNG_MODES = ('1', 'L', 'LA', 'P', 'RGB', 'RGBA')  # what PNG holds without a loss
COLUMNS = ('split', 'name', 'image', 'mask', 'source_image', 'source_mask', 'bytes', 'sha256', 'group')


@dataclass(frozen=True)
class Entry:
    """One picture and its place: the part of the split, and the first picture of its group by name."""

    reading: Reading
    split: str
    group: str

    @property
    def image(self) -> str:
        """Path of the image inside the set."""
        suffix = self.reading.item.image.suffix.lower()
        kept = suffix if suffix in IMAGE_SUFFIXES else '.png'
        return f'img_dir/{self.split}/{self.reading.item.name}{kept}'

    @property
    def mask(self) -> str:
        """Path of the mask inside the set."""
        return f'ann_dir/{self.split}/{self.reading.item.name}.png'


def write_entries(
    folder: Path, entries: Sequence[Entry], link: bool, workers: int, progress: Progress | None
) -> None:
    """Copy or ``link`` the images and write the masks below ``folder``."""
    for path in {(folder / name).parent for entry in entries for name in (entry.image, entry.mask)}:
        path.mkdir(parents=True, exist_ok=True)
    for _ in in_threads(lambda entry: write_entry(folder, entry, link), entries, workers, 'writing', progress):
        pass


def write_entry(folder: Path, entry: Entry, link: bool) -> None:
    """The image byte for byte where its format is one the project reads, else as PNG; its mask as indices."""
    source, target = entry.reading.item.image, folder / entry.image
    if source.suffix.lower() not in IMAGE_SUFFIXES:
        with Image.open(source) as image:
            upright = ImageOps.exif_transpose(image)
            (upright if upright.mode in PNG_MODES else upright.convert('RGB')).save(target)
    elif link:
        hard_link(source, target)
    else:
        shutil.copyfile(source, target)
    Image.fromarray(entry.reading.item.read_mask()).save(folder / entry.mask)


def hard_link(source: Path, target: Path) -> None:
    """One file under two names.

    Raises:
        UsageError: the file system cannot.
    """
    try:
        os.link(source.resolve(), target)
    except OSError as error:
        raise UsageError(f'--link: {source}: {error.strerror}; leave out --link to copy') from error


def write_index(path: Path, entries: Sequence[Entry], root: Path) -> None:
    """One row a picture, with the paths inside the set and inside the download."""
    with path.open('w', newline='', encoding='utf-8') as file:
        table = csv.writer(file, lineterminator='\n')
        table.writerow(COLUMNS)
        for entry in entries:
            item = entry.reading.item
            sources = [Path(os.path.relpath(part, root)).as_posix() for part in (item.image, item.mask)]
            facts = [item.image.stat().st_size, entry.reading.digest, entry.group]
            table.writerow([entry.split, item.name, entry.image, entry.mask, *sources, *facts])


def split_report(entries: Sequence[Entry], classes: tuple[str, ...]) -> SplitReport:
    """Counts of one part of the split, from the readings."""
    counts = np.array([entry.reading.histogram for entry in entries], np.int64).reshape(-1, 256)
    used = counts[:, : len(classes)]
    ignored = int(counts[:, 255].sum())
    return SplitReport(classes, len(entries), len(entries), used.sum(0), (used > 0).sum(0), ignored, [], [])


def statistics(report: SplitReport) -> dict[str, Any]:
    """The counts of one part for meta.json: class index → percent of the scored pixels, images that show it."""
    total = int(report.pixels.sum()) + report.ignored
    shares = [None if np.isnan(share) else round(100 * share, 4) for share in report.shares.tolist()]
    return {
        'images': report.images,
        'pixels': total,
        'ignored_pct': round(100 * report.ignored / max(total, 1), 4),
        'pct': {str(index): share for index, share in enumerate(shares)},
        'images_with': {str(index): int(count) for index, count in enumerate(report.images_with)},
    }
