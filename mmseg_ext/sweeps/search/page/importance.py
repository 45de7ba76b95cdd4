"""How much each parameter matters for reaching the best trials."""

import warnings
from collections.abc import Sequence

import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.sweeps.search.request import Objective

LEAST = 8  # finished trials without which there is nothing to tell
TOP, TOP_TRIALS = 0.1, 5  # the best are this share of the trials, and at least so many


def importances(study: optuna.Study, objectives: Sequence[Objective]) -> dict[int, dict[str, float]]:
    """{place of an objective: {parameter: its share of the importance, 0..1}}; empty when too little is known.

    PED-ANOVA (Watanabe et al. 2023): how far the values of a parameter among the best trials are from those of
    all. It needs no other package and counts parameters that depend on a choice.
    """
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(finished) < LEAST:
        return {}
    evaluator = PedAnovaImportanceEvaluator(target_quantile=max(TOP, TOP_TRIALS / len(finished)))
    found = {index: _of(study, evaluator, index, objective) for index, objective in enumerate(objectives)}
    return {index: weights for index, weights in found.items() if weights}


def _of(
    study: optuna.Study, evaluator: PedAnovaImportanceEvaluator, index: int, objective: Objective
) -> dict[str, float]:
    sign = -1.0 if objective.direction == 'maximize' else 1.0

    def cost(trial: FrozenTrial) -> float:
        return sign * trial.values[index]

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        try:
            weights = get_param_importances(study, evaluator=evaluator, target=cost)
        except (ValueError, RuntimeError):  # a space of which nothing varied
            return {}
    alike = any('select the same set of trials' in str(each.message) for each in said)
    return {} if alike else weights
