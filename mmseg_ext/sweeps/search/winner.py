"""What is left of a search to work with: the best trials as recipes, and a sweep that puts them to the test."""

from pathlib import Path

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.files import write_text
from mmseg_ext.sweeps.search.leaf import write_leaf
from mmseg_ext.sweeps.search.request import Request
from mmseg_ext.sweeps.search.setting import Setting
from mmseg_ext.sweeps.search.sharing import place
from mmseg_ext.sweeps.search.study import TERMS
from mmseg_ext.sweeps.search.trials import OPTIONS, SWAPS
from mmseg_ext.sweeps.search.wording import shown_scores

BEST, CONFIRM = 'best.py', 'confirm.yaml'
SEEDS = 3  # of the sweep that confirms; the training seed of the search is none of them, for it was chosen on that


def best_trials(study: optuna.Study) -> list[FrozenTrial]:
    """The best trial, or those of the Pareto front by the first objective; none before one has finished."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    if len(study.directions) == 1:
        return [study.best_trial]
    front = {tuple(trial.values): trial for trial in reversed(study.best_trials)}  # of equals the first stays
    return [front[values] for values in sorted(front)]


def recipe_file(study: optuna.Study, trial: FrozenTrial) -> str:
    """The name of the recipe of one of the best trials."""
    return BEST if len(study.directions) == 1 else f'best_trial{place(trial)}.py'


def setting_of(request: Request, trial: FrozenTrial) -> Setting:
    """What a trial has trained."""
    return Setting(request.base.recipe, tuple(trial.user_attrs[SWAPS]), trial.user_attrs[OPTIONS])


def write_winners(study: optuna.Study, request: Request) -> list[Path]:
    """The best trials as recipes in the folder of the study, and the sweep; those of an older front go."""
    best = best_trials(study)
    for file in request.folder.glob('best_trial*.py'):
        file.unlink()
    recipes = []
    for trial in best:
        path = request.folder / recipe_file(study, trial)
        recipes.append(write_leaf(setting_of(request, trial), path, _title(study, request, trial, path)))
    return [*recipes, _write_sweep(study, request, best)] if best else []


def confirm_command(request: Request) -> str:
    """The line for a shell that runs the sweep."""
    return f'python tools/sweep.py --project {request.folder.parents[1].name} --sweep {request.folder / CONFIRM}'


def _title(study: optuna.Study, request: Request, trial: FrozenTrial, path: Path) -> str:
    return (
        f'Trial {place(trial)} of the search {study.study_name}: {shown_scores(request, trial)}\n'
        f'on the validation split, which chose it. {CONFIRM} beside this file measures what it is worth.\n\n'
        f'  python tools/train.py {path}'
    )


def _write_sweep(study: optuna.Study, request: Request, best: list[FrozenTrial]) -> Path:
    """A plan for tools/sweep.py: the recipe as it is and the best trials, by other seeds, on the test split."""
    path, seed = request.folder / CONFIRM, study.user_attrs[TERMS]['training_seed']
    groups = {'as it is': _group(request.base)}
    groups |= {f'trial {place(trial)}': _group(setting_of(request, trial)) for trial in best}
    plan = dict(
        title=f'What the search {study.study_name} found',
        columns=['Recipe', 'Settings'],
        marks='change',
        seeds=[seed + 1 + index for index in range(SEEDS)],
        recipes={request.base.recipe.stem: _below_configs(request.base.recipe)},
        groups=groups,
    )
    head = (
        '# The best of a search and the recipe as it is, by seeds that did not choose it, on the test split.\n#\n'
        f'#   {confirm_command(request)}\n'
    )
    write_text(path, head + yaml.safe_dump(plan, sort_keys=False, width=110, allow_unicode=True))
    return path


def _below_configs(recipe: Path) -> str:
    """The recipe as a plan names it: from ``configs`` on, else by its whole path."""
    path, configs = recipe.absolute(), Path('configs').absolute()
    return path.relative_to(configs).as_posix() if path.is_relative_to(configs) else str(path)


def _group(setting: Setting) -> dict[str, object]:
    said = dict(swap=list(setting.swaps), cfg_options=dict(setting.options))
    return {name: value for name, value in said.items() if value}
