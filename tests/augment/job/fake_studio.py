"""A model that is none, for tests of the loop around it: it paints the defects, or fails as it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from scipy.ndimage import binary_dilation

from augment.editing.photo import EditedPhoto, Photo
from augment.editing.runtime import Runtime
from augment.job.device import Place
from augment.job.execute import execute
from augment.job.ladder import Rung
from augment.job.options import build_parser
from augment.job.plan import Plan, make_plan
from augment.regions.windows import Window

SHADES = {'peeling': 40, 'rust': 90, 'dent': 140}


def paint(photo: Photo, word: str, shade: int | None = None) -> EditedPhoto:
    """The photograph with its defects and three pixels around them in one grey."""
    region = binary_dilation(photo.label > 0, iterations=3) & (photo.label != 255)
    image = photo.image.copy()
    image[region] = SHADES.get(word, 60) if shade is None else shade
    height, width = region.shape
    windows, prompt = [Window(0, 0, height, width)], f'photo of a crack with {word}'
    losses = [[{'start': 0.2, 'best': 0.1, 'iterations': 3}]]
    return EditedPhoto(word, prompt, image, region, photo.image, None, windows, losses, {}, False)


@dataclass
class FakeStudio:
    """``react(photo, words, rung, call)`` may raise, or return edits in place of the painted ones."""

    react: Callable[[Photo, Sequence[str], Rung, int], list[EditedPhoto] | None] = lambda *_: None
    half: bool = False
    native: int = 1024
    identity: dict = field(default_factory=lambda: {'name': 'tiny-random', 'variant': None, 'weights': 'abc'})
    place: Place = field(default_factory=lambda: Place(torch.device('cpu'), 'CPU'))
    calls: list[tuple[str, tuple[str, ...], Rung]] = field(default_factory=list)

    def edit(self, photo: Photo, words: Sequence[str], rung: Rung, progress=None) -> list[EditedPhoto]:
        self.calls.append((photo.stem, tuple(words), rung))
        if progress:
            progress('inversion', 1, 4)
        edits = self.react(photo, words, rung, len(self.calls))
        return [paint(photo, word) for word in words] if edits is None else edits

    def reduced(self, runtime: Runtime) -> bool:
        return self.half and runtime.dtype != 'fp32'

    def tokens(self, prompt: str) -> list[str]:
        return ['<|startoftext|>', *(f'{word}</w>' for word in prompt.split()), '<|endoftext|>']

    def free(self) -> None: ...

    def peak(self) -> float | None:
        return None

    @property
    def stems(self) -> list[str]:
        """The photographs that it was asked for, in order."""
        return [stem for stem, *_ in self.calls]


def planned(*words: object) -> Plan:
    """The plan of a command line."""
    return make_plan(build_parser('').parse_args([*map(str, words)]))


def run(studio: FakeStudio, *words: object, runtime: Runtime | None = None) -> int:
    """The exit code of a command line, with ``studio`` as its model."""

    def make(plan: Plan, console: Console) -> tuple[FakeStudio, Runtime]:
        return studio, runtime or Runtime()

    return execute(planned('--model', 'tiny-random', *words), make)


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of every file below ``root``, by its path; hidden ones left out."""
    files = [path for path in sorted(root.rglob('*')) if path.is_file() and not path.name.startswith('.')]
    return {path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
