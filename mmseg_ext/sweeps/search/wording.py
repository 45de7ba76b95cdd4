"""Trials in words, for terminal, page and recipes."""

from optuna.trial import FrozenTrial

from mmseg_ext.score_names import rounded
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.trials import VALUES


def shown_scores(request: Request, trial: FrozenTrial) -> str:
    """``mIoU_fg 51.23, FalseAlarms 0.80`` of a finished trial."""
    pairs = zip(request.objectives, trial.values, strict=True)
    return ', '.join(f'{objective.metric} {rounded(objective.metric, value)}' for objective, value in pairs)


def shown_values(trial: FrozenTrial) -> str:
    """``swap.losses=focal_any optim_wrapper.optimizer.lr=0.00342`` of a trial."""
    return ' '.join(f'{name}={shown(value)}' for name, value in trial.user_attrs.get(VALUES, {}).items())


def shown(value: object) -> str:
    """A value as a person reads it: four digits of a number."""
    return f'{value:.4g}' if isinstance(value, float) else str(value)
