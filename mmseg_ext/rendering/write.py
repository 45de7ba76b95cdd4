"""The rendered set on disk: img_dir, ann_dir and meta.json, complete or not at all."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmseg_ext.rendering.blade import render
from mmseg_ext.rendering.budget import plan_split
from mmseg_ext.rendering.processes import drawing_pool
from mmseg_ext.rendering.settings import CLASSES, SPLITS, RenderSettings
from mmseg_ext.rendering.target import render_folder


@dataclass(frozen=True)
class Job:
    """One picture to draw: where it belongs, its random stream, its defect pixels."""

    root: Path
    split: str
    key: tuple[int, int, int]  # seed, split, picture: the random stream
    attached: int
    broken: int


def render_set(
    out: Path, settings: RenderSettings, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> tuple[dict, bool]:
    """Draw the set into ``out``; return its meta.json and whether it was there already.

    ``out`` may be absent, empty or an earlier rendered set, which is replaced only once the new one is complete.
    The number of ``workers`` (processes) does not change a byte. ``progress`` is told pictures done and in all.
    """
    return render_folder(out, settings, lambda root: draw_all(root, settings, workers, progress))


def draw_all(
    root: Path, settings: RenderSettings, workers: int, progress: Callable[[int, int], None] | None
) -> dict:
    """Draw every picture below ``root`` and write meta.json; return what it says."""
    for split in SPLITS:
        for folder in ('img_dir', 'ann_dir'):
            (root / folder / split).mkdir(parents=True)
    jobs = [job for index, split in enumerate(SPLITS) for job in split_jobs(root, settings, index, split)]
    counts = []
    for count in run(jobs, workers):
        counts.append(count)
        if progress:
            progress(len(counts), len(jobs))
    counts = np.array(counts)
    owners = np.array([job.split for job in jobs])
    stats = {split: statistics(counts[owners == split]) for split in SPLITS} | {'all': statistics(counts)}
    meta = json.loads(json.dumps({**settings.header(), 'stats': stats}))
    (root / 'meta.json').write_text(json.dumps(meta, indent=1) + '\n', encoding='utf-8')
    return meta


def split_jobs(root: Path, settings: RenderSettings, index: int, split: str) -> list[Job]:
    """The pictures of one split with the defect pixels that the plan gives each."""
    plan = plan_split(settings.seed, index, getattr(settings, split)).tolist()
    return [Job(root, split, (settings.seed, index, k), *areas) for k, areas in enumerate(plan)]


def run(jobs: list[Job], workers: int) -> Iterator[np.ndarray]:
    """Results of ``draw`` in the order of ``jobs``."""
    if workers <= 1:
        yield from map(draw, jobs)
        return
    with drawing_pool(min(workers, len(jobs))) as pool:
        yield from pool.map(draw, jobs, chunksize=4)


def draw(job: Job) -> np.ndarray:
    """Draw one picture, write it and its mask; return the pixels per class, (3,)."""
    image, mask = render(np.random.default_rng(job.key), job.attached, job.broken)
    name = f'{job.split}/{job.split}_{job.key[2]:04d}.png'
    write_png(job.root / 'img_dir' / name, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    write_png(job.root / 'ann_dir' / name, mask)
    return np.bincount(mask.ravel(), minlength=len(CLASSES))


def write_png(path: Path, image: np.ndarray) -> None:
    """Write one PNG; OSError when it cannot be stored whole."""
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
