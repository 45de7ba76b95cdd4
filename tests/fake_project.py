"""A project of runs that nobody trained: result.json, per_image.csv and curves made from known pixel counts.

from fake_project import add_curves, draw_confusions, make_fake_project, write_failure, write_plan, write_run
project = make_fake_project(tmp_path)     # 2 models x 2 groups x 3 seeds on 20 images, and a plan of them
add_curves(project)                       # precision and recall over thresholds, as ThresholdMetric leaves them
write_run(project / 'exp/model/recipe/seed0', confusions, seed=0, device='cpu x 8')   # one run of one's own

``confusions`` (N, C, C) are pixels of each image by true class (row) and predicted class. All scores follow from
them as DefectMetric makes them (components are left out), so that a test knows what a table must show.
"""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmseg_ext.files import write_json
from mmseg_ext.functional.confusion import class_scores

CLASSES = ('background', 'attached', 'broken')
ITERATIONS = 400
IMAGES_SEED = 6


def make_fake_project(
    root: Path,
    models: Sequence[str] = ('Fast-SCNN', 'MobileNetV3'),
    groups: Sequence[str] = ('Original', 'w/ peeling'),
    seeds: int = 3,
    images: int = 20,
    gain: float = 0.1,
    marks: str = 'change',
) -> Path:
    """A finished project with one plan, ``words``; each next group finds ``gain`` more of the defects' pixels."""
    project, rows = root / 'work_dirs/fake', {}
    for m, model in enumerate(models):
        for g, group in enumerate(groups):
            runs = [f'exp/{model.lower()}/{model.lower()}_{g}/seed{seed}' for seed in range(seeds)]
            for seed, run in enumerate(runs):
                confusions = draw_confusions(images, 0.5 + gain * g, seed=1000 * m + 100 * g + seed)
                write_run(project / run, confusions, seed=seed, config_hash=f'{m}-{g}', data_hash=f'train {g}')
            rows[model, group] = runs
    write_plan(project, 'words', rows, marks=marks)
    return project


def draw_confusions(
    images: int, recall: float, seed: int = 0, classes: int = 3, spread: float = 0.03
) -> np.ndarray:
    """(N, C, C) pixels of ``images`` images of 10 000 pixels; two in three hold some defect of each class.

    ``recall`` is about the share of a defect that is predicted. The images and how hard each of them is are the
    same in every call; ``seed`` decides the noise of one training, of deviation ``spread``.
    """
    common, own = np.random.default_rng(IMAGES_SEED), np.random.default_rng(seed)
    confusions = np.zeros((images, classes, classes), np.int64)
    for label in range(1, classes):
        size = (common.random(images) < 2 / 3) * common.integers(20, 400, images)
        hardness, luck = common.normal(0, 0.2, images), own.normal(0, spread) + own.normal(0, 0.05, images)
        confusions[:, label, label] = size * np.clip(recall + hardness + luck, 0, 1)
        confusions[:, label, 0] = size - confusions[:, label, label]
        confusions[:, 0, label] = own.poisson(30, images)
    confusions[:, 0, 0] = 10_000 - confusions.sum((1, 2))
    return confusions


def write_run(
    folder: Path,
    confusions: np.ndarray,
    classes: Sequence[str] = CLASSES,
    seed: int = 0,
    names: Sequence[str] | None = None,
    **changes: Any,
) -> Path:
    """What a finished run leaves in ``folder``; ``changes`` are other values in its results."""
    names = names or [f'data/fake/img_dir/test/{index:04d}.png' for index in range(len(confusions))]
    result = _result(folder, confusions, classes, seed)
    training = result | dict(split='val', iterations=ITERATIONS, train_seconds=60.0, resumed=False) | changes
    result |= {key: value for key, value in changes.items() if key in result}
    (folder / 'train/ckpt').mkdir(parents=True)
    (folder / 'test').mkdir()
    write_json(folder / 'train/result.json', training)
    write_json(folder / 'test/result.json', result)
    (folder / 'train/config.py').write_text('crop_size = (64, 64)\n', encoding='utf-8')
    _write_per_image(folder / 'test/per_image.csv', confusions, classes, names)
    _write_history(folder / 'train/20260101_000000/vis_data/scalars.json', result['scores'])
    return folder


def write_failure(folder: Path, reason: str, code: int = 1) -> Path:
    """What a run leaves that ended early for ``reason``."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / 'failure.json', dict(reason=reason, code=code, seconds=3.2, log='log.txt', time='now'))
    return folder


def write_plan(
    project: Path,
    name: str,
    rows: dict[tuple[str, str], Sequence[str]],
    title: str = 'Words',
    columns: Sequence[str] = ('Model', 'Trained on'),
    marks: str = 'change',
) -> Path:
    """``sweeps/<name>.json``; ``rows`` are the folders of the runs below the project, for (model, group)."""
    lines = [dict(model=model, group=group, runs=list(runs)) for (model, group), runs in rows.items()]
    file = project / f'sweeps/{name}.json'
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, dict(name=name, title=title, columns=list(columns), marks=marks, rows=lines))
    return file


def add_curves(project: Path, tags: Sequence[str] = ('deepcrack_tip-2px', 'macro-0px')) -> Path:
    """Curves and scores over thresholds in every result; the higher its mIoU_fg, the better they are."""
    for place, file in enumerate(sorted(project.glob('exp/**/test/result.json'))):
        result = json.loads(file.read_text(encoding='utf-8'))
        for harder, tag in enumerate(tags):
            apart = 1.2 + result['scores']['mIoU_fg'] / 50 + 0.1 * np.sin(place) - 0.4 * harder
            scores, curve = _over_thresholds(apart)
            result['scores'] |= {f'{name}@{tag}': value for name, value in scores.items()}
            result.setdefault('curves', {})[tag] = curve
        write_json(file, result)
    return project


def _over_thresholds(apart: float, share: float = 0.05) -> tuple[dict[str, float], dict[str, list[float | None]]]:
    """Of two normal distributions of logits, ``apart`` from each other; ``share`` of the pixels are lines."""
    threshold = np.arange(1, 100) / 100
    logit = 2 * np.log(threshold / (1 - threshold))
    hit, wrong = (0.5 - np.vectorize(math.erf)((logit - mean) / 8**0.5) / 2 for mean in (2 * apart, -2 * apart))
    precision, recall = share * hit / (share * hit + (1 - share) * wrong), hit
    f1 = 2 * precision * recall / (precision + recall)
    best = int(f1.argmax())
    scores = dict(ODS=f1[best], OIS=f1[best] + 0.01, AP=np.trapezoid(precision[::-1], recall[::-1]))
    scores |= dict(threshold=threshold[best], precision=precision[best], recall=recall[best])
    curve = dict(threshold=threshold, precision=precision, recall=recall, f1=f1)
    # As ThresholdMetric leaves them: the precision is undefined where nothing is predicted.
    rounded = {name: [round(float(value), 6) for value in values] for name, values in curve.items()}
    rounded['precision'][-1] = None
    return {name: float(value) for name, value in scores.items()}, rounded


def scores_of(confusion: np.ndarray, classes: Sequence[str] = CLASSES) -> dict[str, float]:
    """The pixel scores of DefectMetric, in percent, from the pooled (C, C) confusion."""
    pooled = torch.from_numpy(np.asarray(confusion))
    scores = {name: 100 * values for name, values in class_scores(pooled).items()}
    result = {'aAcc': float(100 * pooled.trace() / pooled.sum())}
    result |= {f'm{name}': float(values.nanmean()) for name, values in scores.items()}
    result |= {f'm{name}_fg': float(scores[name][1:].nanmean()) for name in ('IoU', 'Acc')}
    for name, values in scores.items():
        result |= {f'{name}.{label}': float(value) for label, value in zip(classes, values, strict=True)}
    return result


def _result(folder: Path, confusions: np.ndarray, classes: Sequence[str], seed: int) -> dict[str, Any]:
    return dict(
        recipe=folder.parent.name,
        split='test',
        config_hash='configconfigconf',
        data_hash='datadatadatadata',
        split_hash='splitsplitsplits',
        amp=False,
        commit='0123456789abcdef',
        versions={'torch': '2.13.0'},
        seed=seed,
        pretrained=None,
        scores=scores_of(confusions.sum(0), classes),
        classes=list(classes),
        confusion=confusions.sum(0).tolist(),
        checkpoint=str(folder / 'train/ckpt/best_mIoU_fg_iter_400.pth'),
        iteration=ITERATIONS,
        images=len(confusions),
        seconds=1.5,
        images_per_second=len(confusions) / 1.5,
        peak_memory_gib=0.5,
        parameters=1_500_000,
        device='cpu x 1',
        finished='2026-01-01T12:00:00+00:00',
    )


def _write_per_image(file: Path, confusions: np.ndarray, classes: Sequence[str], names: Sequence[str]) -> None:
    rows = []
    for name, counts in zip(names, confusions, strict=True):
        scores = scores_of(counts, classes)
        row = {'image': name, 'IoU_fg': scores['mIoU_fg']}
        for index, label in enumerate(classes):
            row[f'IoU.{label}'] = scores[f'IoU.{label}']
            row[f'labelled.{label}'] = counts[index].sum()
            row[f'predicted.{label}'] = counts[:, index].sum()
            row[f'correct.{label}'] = counts[index, index]
        rows.append(row)
    with file.open('w', newline='', encoding='utf-8') as opened:
        writer = csv.DictWriter(opened, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def _write_history(file: Path, scores: dict[str, float], validations: int = 8) -> None:
    """Scores that rise to the final ones, and a loss that falls."""
    file.parent.mkdir(parents=True)
    rows = []
    for index in range(1, validations + 1):
        step, share = ITERATIONS * index // validations, 1 - 0.5**index
        rows.append({'loss': 1.1 - share, 'step': step})
        rows.append({name: value * share for name, value in scores.items()} | {'step': step})
    file.write_text('\n'.join(json.dumps(row) for row in rows) + '\n', encoding='utf-8')
