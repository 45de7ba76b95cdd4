"""Everything the page of a search shows, made from its study."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from markupsafe import Markup
from optuna.trial import FrozenTrial, TrialState

from mmseg_ext.score_names import rounded
from mmseg_ext.sweeps.progress.describe import duration
from mmseg_ext.sweeps.search.fitting import present_values
from mmseg_ext.sweeps.search.page.course import course, curves, front
from mmseg_ext.sweeps.search.page.drawing import Drawing
from mmseg_ext.sweeps.search.page.importance import importances
from mmseg_ext.sweeps.search.page.parameters import importance, slices
from mmseg_ext.sweeps.search.request import Objective, Request
from mmseg_ext.sweeps.search.sharing import counted, place, reason_of
from mmseg_ext.sweeps.search.trials import DATA, ITERATION, SECONDS, VALUES
from mmseg_ext.sweeps.search.winner import best_trials, confirm_command, recipe_file, setting_of
from mmseg_ext.sweeps.search.wording import shown, shown_scores

WORDS = {
    TrialState.COMPLETE: 'finished',
    TrialState.PRUNED: 'given up',
    TrialState.FAIL: 'failed',
    TrialState.RUNNING: 'under way',
    TrialState.WAITING: 'waiting',
}
FEW = 20  # finished trials below which importances are hardly more than a guess


@dataclass(frozen=True)
class Row:
    """A line of the table of trials."""

    number: int
    state: str
    scores: tuple[float | None, ...]
    values: tuple[Any, ...]
    iteration: int | None
    took: str
    seconds: float | None
    why: str
    best: bool


@dataclass(frozen=True)
class Best:
    """One of the best trials: ``values`` are (parameter, its value, that of the recipe)."""

    number: int
    scores: str
    values: tuple[tuple[str, str, str], ...]
    file: str
    command: str


@dataclass(frozen=True)
class Page:
    """The whole page; a plot is None where there is nothing to draw.

    ``parameters`` are (name, short name, whether it is a number); ``facts`` are (name, value, whether it is bad).
    """

    name: str
    recipe: str
    facts: tuple[tuple[str, str, bool], ...]
    finding: str
    notes: tuple[str, ...]
    best: tuple[Best, ...]
    confirm: str
    course: tuple[Markup, ...]
    front: Markup | None
    curves: Markup | None
    importance: tuple[Markup, ...]
    slices: tuple[Markup, ...]
    objectives: tuple[Objective, ...]
    parameters: tuple[tuple[str, str, bool], ...]
    rows: tuple[Row, ...]


def page_of(study: optuna.Study, request: Request) -> Page:
    """Make everything."""
    trials, best = counted(study), best_trials(study)
    parameters = request.space.parameters
    names = short_names([parameter.name for parameter in parameters])
    drawing = Drawing(trials, frozenset(trial.number for trial in best), request, names)
    weights = importances(study, request.objectives)
    own = present_values(request.space, request.base)
    return Page(
        name=study.study_name,
        recipe=str(request.base.recipe),
        facts=_facts(trials, request),
        finding=_finding(trials, best, request, own),
        notes=tuple(_notes(trials, request, own)),
        best=tuple(_best(study, request, trial, own) for trial in best),
        confirm=confirm_command(request),
        course=tuple(course(drawing, index) for index in range(len(request.objectives))),
        front=front(drawing) if request.several and best else None,
        curves=curves(drawing),
        importance=tuple(importance(drawing, index, each) for index, each in weights.items()),
        slices=tuple(slices(drawing, index) for index in range(len(request.objectives))) if best else (),
        objectives=request.objectives,
        parameters=tuple((each.name, names[each.name], each.kind != 'choice') for each in parameters),
        rows=tuple(_row(trial, request, {each.number for each in best}) for trial in trials),
    )


def short_names(names: Sequence[str]) -> dict[str, str]:
    """The shortest end of each dotted name that no other one has: ``lr`` of ``optim_wrapper.optimizer.lr``."""
    return {name: _shortest(name, [other for other in names if other != name]) for name in names}


def _shortest(name: str, others: Sequence[str]) -> str:
    parts = name.split('.')
    ends = ('.'.join(parts[-count:]) for count in range(1, len(parts) + 1))
    return next((end for end in ends if not any(f'.{other}'.endswith(f'.{end}') for other in others)), name)


def of_state(trials: Sequence[FrozenTrial], *states: TrialState) -> list[FrozenTrial]:
    """The trials in one of these states."""
    return [trial for trial in trials if trial.state in states]


def _facts(trials: Sequence[FrozenTrial], request: Request) -> tuple[tuple[str, str, bool], ...]:
    """(name, value, whether it is bad) of what stands at the top."""
    failed, still = (
        of_state(trials, *states) for states in ([TrialState.FAIL], [TrialState.RUNNING, TrialState.WAITING])
    )
    seconds = sum(trial.user_attrs.get(SECONDS, 0) for trial in trials)
    return (
        ('Trials finished', f'{len(of_state(trials, TrialState.COMPLETE))} of {request.trials}', False),
        ('Given up early', str(len(of_state(trials, TrialState.PRUNED))), False),
        ('Failed', str(len(failed)), bool(failed)),
        *([('Not over yet', str(len(still)), False)] if still else []),
        ('Objective', ', '.join(map(str, request.objectives)), False),
        ('Training time', duration(seconds), False),
    )


def _finding(
    trials: Sequence[FrozenTrial], best: Sequence[FrozenTrial], request: Request, own: dict[str, Any]
) -> str:
    """The outcome in one or two sentences."""
    if not best:
        return 'No trial has finished yet.'
    if request.several:
        return f'{len(best)} trials are on the Pareto front: none of the others is as good in every objective.'
    (objective,), (winner,) = request.objectives, best
    said = f'Trial {place(winner)} is the best: {shown_scores(request, winner)}.'
    base = [trial for trial in of_state(trials, TrialState.COMPLETE) if trial.user_attrs[VALUES] == own]
    if not base:
        return said
    if base[0].number == winner.number:
        return f'{said} That is the recipe as it is: nothing better was found.'
    lead = abs(winner.value - base[0].value)
    has, worse = (rounded(objective.metric, value) for value in (base[0].value, lead))
    return f'{said} The recipe as it is (trial {place(base[0])}) has {has}, {worse} worse.'


def _notes(trials: Sequence[FrozenTrial], request: Request, own: dict[str, Any]) -> list[str]:
    """What limits the search, a sentence each."""
    finished = of_state(trials, TrialState.COMPLETE)
    notes = [
        'The scores are those of the validation split that chose the best trial, and of one training seed: the '
        'best of many is better there than elsewhere. Confirm it by other seeds on the test split (below).'
    ]
    outside = [name for name, value in own.items() if not request.space[name].holds(value)]
    if outside:
        notes.append(f'The recipe as it is was not tried: the space does not hold its {", ".join(outside)}.')
    if 0 < len(finished) < FEW:
        notes.append(f'{len(finished)} finished trials say little about which parameter matters.')
    if request.several:
        notes.append('With several objectives no trial is given up early.')
    if len({tuple(trial.user_attrs[DATA]) for trial in finished}) > 1:
        notes.append('Images or masks were changed during the search; trials before and after do not compare.')
    return notes


def _best(study: optuna.Study, request: Request, trial: FrozenTrial, own: dict[str, Any]) -> Best:
    values = trial.user_attrs[VALUES]
    pairs = [(name, shown(value), shown(own[name]) if name in own else '–') for name, value in values.items()]
    return Best(
        number=place(trial),
        scores=shown_scores(request, trial),
        values=tuple(pairs),
        file=str(request.folder / recipe_file(study, trial)),
        command=setting_of(request, trial).command(),
    )


def _row(trial: FrozenTrial, request: Request, best: set[int]) -> Row:
    known, seconds = trial.user_attrs, trial.user_attrs.get(SECONDS)
    return Row(
        number=place(trial),
        state=WORDS[trial.state],
        scores=tuple(trial.values or [None] * len(request.objectives)),
        values=tuple(known.get(VALUES, {}).get(parameter.name) for parameter in request.space.parameters),
        iteration=known.get(ITERATION),
        took='–' if seconds is None else duration(seconds),
        seconds=seconds,
        why=_why(trial),
        best=trial.number in best,
    )


def _why(trial: FrozenTrial) -> str:
    if trial.state == TrialState.PRUNED and trial.last_step is not None:
        return f'at iteration {trial.last_step}'
    return reason_of(trial) if trial.state == TrialState.FAIL else ''
