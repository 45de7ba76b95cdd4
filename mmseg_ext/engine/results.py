"""What a finished run leaves: result.json, per_image.csv and a sheet of its worst images."""

import csv
import math
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmseg_ext.engine.preflight import dataset_configs, dataset_folders
from mmseg_ext.engine.recipe import config_hash, data_hash
from mmseg_ext.engine.runner import versions
from mmseg_ext.engine.threshold import Threshold
from mmseg_ext.files import replacing, write_json
from mmseg_ext.reports.overlays import comparison, sheet, write_image

WORST = 8  # images on the sheet of worst cases


def identity(cfg: Config, split: str) -> dict[str, Any]:
    """What makes a result comparable: recipe, hashes, seed, code and machine."""
    folders = [folder for part in dataset_configs(cfg, 'train') for folder in dataset_folders(part)]
    judged = [folder for part in dataset_configs(cfg, split) for folder in dataset_folders(part)]
    return dict(
        recipe=cfg.run.recipe,
        split=split,
        config_hash=config_hash(cfg),
        data_hash=data_hash(filter(None, folders)),
        split_hash=data_hash(filter(None, judged)),
        amp=bool(cfg.run.get('amp')),
        commit=commit(),
        versions=versions(),
    )


def commit() -> str | None:
    """The commit of the code, with ``+changes`` when files differ from it; None outside a git checkout."""
    root = Path(__file__).resolve().parents[2]
    try:
        run = dict(cwd=root, capture_output=True, text=True, check=True, timeout=10)
        head = subprocess.run(['git', 'rev-parse', 'HEAD'], **run).stdout.strip()
        changed = subprocess.run(['git', 'status', '--porcelain', '--untracked-files=no'], **run).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return f'{head}+changes' if changed else head


def peak_memory_gib() -> float:
    """Peak memory of this process: the GPU's allocations where there is one, else resident memory. GiB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def curve_parts(metrics: Sequence[Any], threshold: Threshold) -> dict[str, Any]:
    """``curves`` of every metric that has one, by its tag, and ``threshold``: what decided the masks, and what the
    first ThresholdMetric found best."""
    swept = [metric for metric in metrics if hasattr(metric, 'best_threshold')]
    best, tag = (swept[0].best_threshold, swept[0].tag) if swept else (None, None)
    return dict(
        curves={metric.tag: metric.curve for metric in metrics if hasattr(metric, 'curve')},
        threshold=dict(used=threshold.used, best=best, tag=tag, origin=threshold.origin),
    )


def write_result(folder: Path, result: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """``per_image.csv`` (if a metric keeps rows), then ``result.json``, with which a run counts as finished."""
    if rows:
        with (
            replacing(folder / 'per_image.csv') as partial,
            partial.open('w', newline='', encoding='utf-8') as file,
        ):
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    write_json(folder / 'result.json', result)


def worst_rows(rows: list[dict[str, Any]], count: int = WORST) -> list[dict[str, Any]]:
    """The images to look at first: lowest mean IoU of the defects, then most pixels falsely predicted.

    An image without defects that was judged clean has no IoU and comes last.
    """

    def badness(row: dict[str, Any]) -> tuple[float, int]:
        score = 200.0 if math.isnan(row['IoU_fg']) else row['IoU_fg']
        wrong = [value for name, value in row.items() if name.startswith('predicted.')][1:]
        return score, -sum(wrong)

    return sorted(rows, key=badness)[:count]


def write_worst_sheet(path: Path, items: list[tuple[dict, Any, Any]], meta: dict[str, Any]) -> None:
    """``items`` are (per-image row, truth mask, predicted mask); one strip each, the worst first."""
    strips = []
    for row, truth, predicted in items:
        score = (
            'no defect there or predicted' if math.isnan(row['IoU_fg']) else f'defect IoU {row["IoU_fg"]:.1f} %'
        )
        found = [
            f'{name}: {row[f"found.{name}"]} of {row[f"components.{name}"]} found'
            for name in meta['classes'][1:]
            if row.get(f'components.{name}')
        ]
        alarms = f'false alarms: {row["FalseAlarms"]}' if 'FalseAlarms' in row else ''
        text = ' | '.join(filter(None, [Path(row['image']).name, score, *found, alarms]))
        strips.append((text, comparison(row['image'], truth, predicted, meta['palette'])))
    write_image(path, sheet(strips, meta['classes'], meta['palette']))
