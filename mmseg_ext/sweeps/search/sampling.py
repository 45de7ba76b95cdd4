"""What a search tries next, and what it gives up early."""

import warnings
from typing import Any

import numpy as np
import optuna
from mmengine.config import Config
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner, MedianPruner, NopPruner, PatientPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

STARTUP = 5  # finished trials before the median means anything
PATIENCE = 2  # validations without a gain that the patient pruner lets pass


class NumberedTPE(BaseSampler):
    """Tree-structured Parzen estimators (Bergstra et al. 2011) that draw by seed and number of the trial.

    With one stream of random numbers a process, two machines that start with one seed would try the same settings,
    and so would a search that is continued. Here the number of the trial, which the storage gives out once,
    belongs to the seed; the same trials known, the next one is the same wherever it is drawn.

    With one objective the parameters are drawn together, those that depend on a choice as a group of their own;
    trials that run elsewhere count as poor ones, so that their surroundings are not tried at the same time.
    """

    def __init__(self, seed: int, several: bool) -> None:
        self.seed, self.several = seed, several
        self._number, self._sampler = -1, None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: list[float] | None) -> None:
        self._of(trial).after_trial(study, trial, state, values)

    def _of(self, trial: FrozenTrial) -> TPESampler:
        if trial.number != self._number:
            (seed,) = np.random.SeedSequence([self.seed, trial.number]).generate_state(1)
            self._number, self._sampler = trial.number, _tpe(int(seed), not self.several)
        return self._sampler


def _tpe(seed: int, together: bool) -> TPESampler:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ExperimentalWarning)  # `group`, which conditional parameters need
        return TPESampler(seed=seed, multivariate=together, group=together, constant_liar=True)


def make_pruner(name: str, cfg: Config) -> BasePruner:
    """The pruner of that name for the validation curves of a recipe, whose steps are iterations.

    ``median`` gives up what is below the median of the finished trials at the same iteration, not before a
    quarter of the training; ``patient`` likewise, if it has not gained for two validations; ``halving`` lets the
    best third pass at the first validation, three times as late, and so on (Li et al. 2018).
    """
    median = MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=cfg.train_cfg.max_iters // 4)
    if name == 'median':
        return median
    if name == 'patient':
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', ExperimentalWarning)
            return PatientPruner(median, patience=PATIENCE)
    if name == 'halving':
        return SuccessiveHalvingPruner(min_resource=cfg.train_cfg.val_interval, reduction_factor=3)
    return NopPruner()


def is_over(trial: optuna.Trial, step: int, last: int) -> bool:
    """Whether a trial should be given up at a step; at its last one there is nothing left to save."""
    return step < last and trial.should_prune()
