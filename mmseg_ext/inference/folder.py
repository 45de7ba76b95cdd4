"""Predict many images and leave masks, overlays and tables of them in a folder."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmseg_ext.errors import DataError, RunError
from mmseg_ext.files import remove_partials, replacing, writable_folder
from mmseg_ext.inference.counts import CLASS_COLUMNS, DEFECT_COLUMNS, Ruler, defect_rows
from mmseg_ext.inference.images import NamedImage
from mmseg_ext.inference.iou_table import IOU_FILE, IouTable
from mmseg_ext.inference.predictor import WORKERS, Prediction, Predictor
from mmseg_ext.inference.stream import map_ahead
from mmseg_ext.reports.overlays import legend, overlay, reduced, write_image

Progress = Callable[[int, int], None]  # images done, images in all
Rows = tuple[list[tuple], list[tuple]]


@dataclass
class Summary:
    """What became of the images: how many have masks, how many defects there are of each class, what failed.

    ``lines`` holds for each class that is a line its length in all images and its largest width, in pixels.
    """

    images: int = 0
    defects: dict[str, int] = field(default_factory=dict)
    lines: dict[str, tuple[float, float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, row: dict[str, Any]) -> None:
        """Count what the table of classes says about one class in one image."""
        name = row['class']
        self.defects[name] += row['count']
        if name in self.lines:
            length, widest = self.lines[name]
            self.lines[name] = length + row['length'], max(widest, row['max_width'] or 0)


@dataclass
class FolderWriter:
    """Writes one prediction at a time: ``masks/{name}.png`` of class indices, and, unless ``overlays`` is off,
    ``overlays/{name}.jpg``; with ``scores`` also ``scores/{name}.npy``, (C, H, W) float16. The tables tell length
    and width of what the ``ruler`` measures. ``ious`` compares the masks with labels."""

    out: Path
    predictor: Predictor
    overlays: bool = True
    opacity: float = 0.35
    scores: bool = False
    ruler: Ruler = field(default_factory=Ruler)
    ious: IouTable | None = None
    failures: list[str] = field(default_factory=list, init=False)  # labels that cannot be compared with
    overwritten: int = field(default=0, init=False)  # masks that were there from an earlier time

    def __call__(self, item: tuple[NamedImage, Prediction]) -> Rows:
        """Write the files of one image; its rows of the tables. RunError when the disk does not take them."""
        image, prediction = item
        if self.ious:
            self._compare(image, prediction.mask)
        try:
            self._write(image.name, prediction)
        except OSError as error:
            raise RunError(f'{self.out}: cannot write {image.name} ({error.strerror or error})') from error
        return defect_rows(str(image.path), prediction, self.predictor.classes, self.ruler)

    def _compare(self, image: NamedImage, mask: np.ndarray) -> None:
        try:
            self.ious.add(image, mask)
        except DataError as error:
            self.failures.append(str(error))

    def _write(self, name: str, prediction: Prediction) -> None:
        mask = self._place('masks', f'{name}.png')
        self.overwritten += mask.exists()
        write_image(mask, prediction.mask)
        if self.overlays:
            picture = overlay(*reduced(prediction.image, prediction.mask), self.predictor.palette, self.opacity)
            write_image(self._place('overlays', f'{name}.jpg'), picture)
        if self.scores:
            with replacing(self._place('scores', f'{name}.npy')) as partial:
                np.save(partial, prediction.scores.astype(np.float16))

    def write_legend(self) -> None:
        """Which colour is which class, as ``overlays/legend.png``."""
        classes, palette = self.predictor.classes, self.predictor.palette
        width = sum(44 + 10 * len(name) for name in classes[1:])
        write_image(self._place('overlays', 'legend.png'), legend(classes, palette, width))

    def _place(self, folder: str, name: str) -> Path:
        path = self.out / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def predict_folder(
    images: Sequence[NamedImage], writer: FolderWriter, progress: Progress = lambda done, total: None
) -> Summary:
    """Predict and write all images, then ``defects.csv`` and ``components.csv`` of those that could be read.

    An image that cannot be used is a line of the summary's ``failures``. After an interruption the tables hold
    what was done until then. Raises UsageError or RunError when the folder cannot be written.
    """
    remove_partials(writable_folder(writer.out))
    if writer.overlays:
        writer.write_legend()
    ruler = writer.ruler
    summary = Summary(
        defects=dict.fromkeys(writer.predictor.classes[1:], 0), lines=dict.fromkeys(ruler.classes, (0.0, 0.0))
    )
    columns = CLASS_COLUMNS + ruler.columns, DEFECT_COLUMNS + ruler.columns
    with _tables(writer.out, columns) as (classes, defects):
        for per_class, per_defect in map_ahead(writer, _predictions(images, writer, summary), 1, 1):
            classes.writerows(per_class)
            defects.writerows(per_defect)
            for row in per_class:
                summary.add(dict(zip(columns[0], row, strict=True)))
            summary.images += 1
            progress(summary.images + len(summary.failures), len(images))
    if writer.ious:
        writer.ious.write(writer.out / IOU_FILE)
    summary.failures += writer.failures
    return summary


def _predictions(
    images: Sequence[NamedImage], writer: FolderWriter, summary: Summary
) -> Iterator[tuple[NamedImage, Prediction]]:
    """Every image that can be used with its prediction; the others go into the summary."""
    names = {str(image.path): image for image in images}

    def fail(_: Any, error: DataError) -> None:
        summary.failures.append(str(error))

    for prediction in writer.predictor.predict_many(names, writer.scores, fail, WORKERS):
        yield names[prediction.source], prediction


@contextmanager
def _tables(out: Path, columns: tuple[Sequence[str], Sequence[str]]) -> Iterator[tuple[Any, Any]]:
    """Writers of the two tables below their headings; the files take their names when the block ends, well or by
    an interruption."""
    interruption = None
    with (
        replacing(out / 'defects.csv') as first,
        replacing(out / 'components.csv') as second,
        first.open('w', newline='', encoding='utf-8') as one,
        second.open('w', newline='', encoding='utf-8') as two,
    ):
        writers = csv.writer(one), csv.writer(two)
        for writer, names in zip(writers, columns, strict=True):
            writer.writerow(names)
        try:
            yield writers
        except KeyboardInterrupt as stop:
            interruption = stop
    if interruption:
        raise interruption
