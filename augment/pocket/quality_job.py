"""From a folder with a model to its figures: what is measured already is not measured again."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from augment.errors import UsageError
from augment.job.device import Place
from augment.pocket.data import CAPTIONS, read_captions
from augment.pocket.figures import KEPT, Figure, Record, table, write_section
from augment.pocket.folder import INDEX, PARTS
from augment.pocket.quality import MEASUREMENTS, SPLIT, Amounts, Subject
from augment.pocket.word_classifier import word_classifier
from augment.sdxl.identity import fingerprint
from augment.sdxl.loader import load_pipeline
from augment.sdxl.source import ModelSource
from augment.sdxl.upstream import StableDiffusionXLPipeline

BESIDE = """On windows of split {split} of `{data}`, of blades that no training saw; chance of a word: 1 of 7.
Words are judged by a classifier whose own accuracy is in the table. Reconstructions are not held on their path and
have residual linear interpolation as an edit has it. More is in `{kept}`; `measure_pocket.py` wrote both."""


@dataclass(frozen=True)
class Job:
    """Which model is measured on what, with whose judgement, how thoroughly, where."""

    model: Path
    data: Path
    classifier: Path
    amounts: Amounts
    place: Place


def run(job: Job) -> list[Figure]:
    """Measure what is not measured yet, keep each measurement as it is made, and tell the card; all figures.

    Raises UsageError for a folder without a model.
    """
    _check(job.model)
    lines = read_captions(job.data)
    pipe = load_pipeline(ModelSource(str(job.model), offline=True), job.place.device)
    path, console = job.model / KEPT, Console(stderr=True)
    record = Record.of(path, weights_of(pipe), hashlib.sha256((job.data / CAPTIONS).read_bytes()).hexdigest())
    subject = None
    for measurement, fields in MEASUREMENTS.items():
        asked = {name: getattr(job.amounts, name) for name in fields}
        if not record.has(measurement.__name__, asked):
            console.print(f'measuring: {measurement.__name__} {asked}', markup=False, highlight=False)
            subject = subject or Subject.of(pipe, job.data, lines, word_classifier(job.data, job.classifier))
            record.keep(measurement.__name__, asked, measurement(subject, job.amounts), path)
    told = BESIDE.format(split=SPLIT, data=job.data.name, kept=KEPT)
    write_section(job.model, f'{told}\n\n{table(record.figures())}')
    return record.figures()


def kept(model: Path) -> list[Figure]:
    """The figures that lie beside ``model``. Raises UsageError where there are none."""
    path = model / KEPT
    if not path.is_file():
        raise UsageError(f'{path}: no such file; python augment/measure_pocket.py --model {model} writes it')
    written = json.loads(path.read_text(encoding='utf-8'))
    return Record(**written).figures()


def weights_of(pipe: StableDiffusionXLPipeline) -> str:
    """SHA-256 of the weights of all parts, hexadecimal."""
    parts = ''.join(fingerprint(getattr(pipe, name)) for name in PARTS)
    return hashlib.sha256(parts.encode()).hexdigest()


def _check(model: Path) -> None:
    if not (model / INDEX).is_file():
        raise UsageError(f'{model}: no model; python augment/train_pocket.py --out {model} makes one')
