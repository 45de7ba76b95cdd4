"""The best weights of a run by the mean of several validation metrics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmseg_ext.engine.checkpoint import iteration_of
from mmseg_ext.errors import UsageError, near
from mmseg_ext.reports.curves import read_history

METRICS = ('aAcc', 'mIoU', 'mAcc')
TRAINING = ('lr', 'base_lr', 'time', 'data_time', 'memory', 'grad_norm', 'iter', 'step', 'epoch')


@dataclass(frozen=True)
class Best:
    """The best of the weights that a run kept, and the best of all that it validated.

    ``score`` and ``top_score`` are means of the metrics at ``iteration`` and ``top_iteration``.
    """

    checkpoint: Path
    iteration: int
    score: float
    top_iteration: int
    top_score: float

    @property
    def is_top(self) -> bool:
        """Whether the weights with the best score of all were kept."""
        return self.iteration == self.top_iteration


def find_best(run: str | Path, metrics: Sequence[str] = METRICS) -> Best:
    """The checkpoint in ``<run>/train/ckpt`` whose validation has the highest mean of ``metrics``.

    A validation in which one of them is not a number does not take part; of equals the first one wins. Raises
    UsageError when the run has no validation, no such metric, or no weights of a validated iteration.
    """
    train_dir = Path(run) / 'train'
    scores = _scores(train_dir, metrics)
    kept = _kept(train_dir / 'ckpt')
    known = {iteration: score for iteration, score in scores.items() if iteration in kept}
    if not known:
        validated = ', '.join(map(str, sorted(scores)))
        raise UsageError(f'{train_dir / "ckpt"}: no weights of a validated iteration ({validated}); train on')
    iteration, top = _highest(known), _highest(scores)
    return Best(kept[iteration], iteration, scores[iteration], top, scores[top])


def find_runs(folders: Sequence[str | Path]) -> list[Path]:
    """The runs that ``folders`` are or hold, in order; UsageError for a folder without any."""
    found = [run for folder in folders for run in _runs_in(Path(folder))]
    return list(dict.fromkeys(found))


def _runs_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f'{folder}: no such folder; give runs, or a project such as work_dirs/default')
    runs = sorted(ckpt.parents[1] for ckpt in folder.glob('**/train/ckpt'))
    if not runs:
        raise UsageError(f'{folder}: no run in it has weights (train/ckpt); train first')
    return runs


def _scores(train_dir: Path, metrics: Sequence[str]) -> dict[int, float]:
    """{iteration: mean of the metrics} of every validation in which all of them are numbers, in order."""
    history = {name: points for name, points in read_history(train_dir).items() if not _is_training(name)}
    if not history:
        raise UsageError(f'{train_dir}: no validation in it (<time>/vis_data/scalars.json); train first')
    unknown = [name for name in metrics if name not in history]
    if unknown:
        raise UsageError(f'{train_dir}: no metric "{unknown[0]}" there; did you mean {near(unknown[0], history)}?')
    steps = set.intersection(*(set(history[name]) for name in metrics))
    means = {step: sum(history[name][step] for name in metrics) / len(metrics) for step in sorted(steps)}
    scores = {step: mean for step, mean in means.items() if math.isfinite(mean)}
    if not scores:
        raise UsageError(
            f'{train_dir}: no validation has a number for each of {", ".join(metrics)}; ask for others'
        )
    return scores


def _is_training(name: str) -> bool:
    """Whether a logged name speaks of training steps, not of a validation."""
    return name in TRAINING or 'loss' in name or name.rpartition('.')[2] == 'acc_seg'


def _kept(folder: Path) -> dict[int, Path]:
    """{iteration: weights} on disk; of two files of one iteration the one without the optimiser."""
    files = [*folder.glob('iter_*.pth'), *folder.glob('best_*.pth')]
    return {iteration_of(file): file for file in files}


def _highest(scores: dict[int, float]) -> int:
    """The iteration with the highest score, the first of several."""
    return max(scores, key=scores.__getitem__)
