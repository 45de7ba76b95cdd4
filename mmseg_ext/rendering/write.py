"""The rendered set on disk: img_dir, ann_dir and meta.json, complete or not at all."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from mmseg_ext.rendering.blade import render
from mmseg_ext.rendering.budget import plan_split

VERSION = 3  # of the drawing: raise it whenever the same seed gives other pixels
CLASSES = ('background', 'attached', 'broken')
PALETTE = ((0, 0, 0), (255, 0, 0), (0, 255, 0))
SPLITS = ('train', 'val', 'test')


@dataclass(frozen=True)
class RenderSettings:
    """All that decides the files: the same settings give the same bytes."""

    seed: int = 0
    train: int = 120
    val: int = 40
    test: int = 40

    def __post_init__(self) -> None:
        bad = {name: value for name, value in asdict(self).items() if value < 0}
        if bad:
            raise ValueError(f'seed and counts must be 0 or more, got {bad}')
        if not self.images:
            raise ValueError('nothing to draw: train, val and test are all 0')

    @property
    def images(self) -> int:
        return self.train + self.val + self.test

    def header(self) -> dict:
        """The part of meta.json that is known before anything is drawn."""
        return {
            'name': 'demo_blade',
            'classes': CLASSES,
            'palette': PALETTE,
            'ignore_index': 255,
            'renderer': {'version': VERSION, **asdict(self)},
        }


@dataclass(frozen=True)
class Job:
    """One picture to draw: where it belongs, its random stream, its defect pixels."""

    root: Path
    split: str
    key: tuple[int, int, int]  # seed, split, picture: the random stream
    attached: int
    broken: int


def render_set(out: Path, settings: RenderSettings, workers: int = 1) -> tuple[dict, bool]:
    """Draw the set into ``out``; return its meta.json and whether it was there already.

    ``out`` may be absent, empty or an earlier rendered set, which is replaced only once the new one is complete.
    The number of ``workers`` (processes) does not change a byte.
    """
    known = check_target(out)
    if known and is_complete(out, known, settings):
        return known, True
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{out.name}.partial-', dir=out.parent))
    try:
        meta = draw_all(partial, settings, workers)
        replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return meta, False


def check_target(out: Path) -> dict | None:
    """The meta.json of the rendered set in ``out``, None where there is nothing; an error for anything else."""
    if not out.exists():
        return None
    if not out.is_dir():
        raise ValueError(f'{out} is a file; give a folder that is new, empty or an earlier rendered set')
    found = {str(path.relative_to(out)) for path in out.rglob('*') if not path.is_dir()}
    if not found:
        return None
    meta = read_meta(out / 'meta.json')
    own = set(file_names(meta['renderer'])) | {'meta.json'} if meta else set()
    if foreign := sorted(found - own):
        raise ValueError(f'{out} holds files that are not of a rendered set, such as {foreign[0]}; '
                         'give a folder that is new, empty or an earlier rendered set')  # fmt: skip
    return meta


def read_meta(path: Path) -> dict | None:
    """meta.json if a renderer wrote it, else None."""
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
        return meta if {'version', 'seed', *SPLITS} <= set(meta['renderer']) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_complete(out: Path, meta: dict, settings: RenderSettings) -> bool:
    """True if ``out`` holds exactly what ``settings`` would draw, as far as meta.json and the file list tell."""
    wanted = json.loads(json.dumps(settings.header()))
    return all(meta.get(key) == value for key, value in wanted.items()) and all(
        (out / name).is_file() for name in file_names(asdict(settings))
    )


def file_names(counts: dict) -> Iterator[str]:
    """Paths inside the set, images and masks, for ``counts`` of train, val and test pictures."""
    for split in SPLITS:
        for index in range(counts[split]):
            for folder in ('img_dir', 'ann_dir'):
                yield f'{folder}/{split}/{split}_{index:04d}.png'


def draw_all(root: Path, settings: RenderSettings, workers: int) -> dict:
    """Draw every picture below ``root`` and write meta.json; return what it says."""
    root.chmod(0o755)  # a temporary folder is private, a data set is not
    for split in SPLITS:
        for folder in ('img_dir', 'ann_dir'):
            (root / folder / split).mkdir(parents=True)
    jobs = [job for index, split in enumerate(SPLITS) for job in split_jobs(root, settings, index, split)]
    counts = np.array(list(track(run(jobs, workers), 'drawing', total=len(jobs), transient=True)))
    owners = np.array([job.split for job in jobs])
    stats = {split: statistics(counts[owners == split]) for split in SPLITS} | {'all': statistics(counts)}
    meta = json.loads(json.dumps({**settings.header(), 'stats': stats}))
    (root / 'meta.json').write_text(json.dumps(meta, indent=1) + '\n', encoding='utf-8')
    return meta


def split_jobs(root: Path, settings: RenderSettings, index: int, split: str) -> list[Job]:
    plan = plan_split(settings.seed, index, getattr(settings, split)).tolist()
    return [Job(root, split, (settings.seed, index, k), *areas) for k, areas in enumerate(plan)]


def run(jobs: list[Job], workers: int) -> Iterator[np.ndarray]:
    """Results of ``draw`` in the order of ``jobs``."""
    if workers <= 1:
        yield from map(draw, jobs)
        return
    with ProcessPoolExecutor(workers, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(draw, jobs, chunksize=4)


def draw(job: Job) -> np.ndarray:
    """Draw one picture, write it and its mask; return the pixels per class, (3,)."""
    image, mask = render(np.random.default_rng(job.key), job.attached, job.broken)
    name = f'{job.split}/{job.split}_{job.key[2]:04d}.png'
    write_png(job.root / 'img_dir' / name, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_png(job.root / 'ann_dir' / name, mask)
    return np.bincount(mask.ravel(), minlength=len(CLASSES))


def write_png(path: Path, image: np.ndarray) -> None:
    # cv2.imwrite reports a full disk by returning False, write_bytes raises. Level 6 takes 4 x the time for 4 %.
    path.write_bytes(cv2.imencode('.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def statistics(counts: np.ndarray) -> dict:
    """``counts`` (images, classes) in pixels -> images, percent of the pixels and images that show each class."""
    shares = 100 * counts.sum(0) / max(int(counts.sum()), 1)
    return {
        'images': len(counts),
        'pct': dict(zip(CLASSES, shares.round(4).tolist(), strict=True)),
        'images_with': dict(zip(CLASSES, (counts > 0).sum(0).tolist(), strict=True)),
    }


def replace(partial: Path, out: Path) -> None:
    """Put the finished folder in the place of ``out``; an older set is moved aside first and then removed."""
    if not out.exists():
        partial.rename(out)
        return
    old = partial.with_name(partial.name + '.old')
    out.rename(old)
    partial.rename(out)
    shutil.rmtree(old)
