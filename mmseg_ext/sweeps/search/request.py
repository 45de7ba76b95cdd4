"""What a search is asked to do."""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from mmseg_ext.engine.recipe import recipe_name
from mmseg_ext.errors import UsageError
from mmseg_ext.score_names import LESS_IS_BETTER
from mmseg_ext.sweeps.cli import project_folder
from mmseg_ext.sweeps.search.setting import Setting
from mmseg_ext.sweeps.search.space import Space
from mmseg_ext.sweeps.search.space_file import read_space

DIRECTIONS = {'max': 'maximize', 'min': 'minimize'}
JOURNAL = 'journal.log'
PRUNERS = ('median', 'halving', 'patient', 'none')


@dataclass(frozen=True)
class Objective:
    """A score of the validation split, and which way is better: ``maximize`` or ``minimize``."""

    metric: str
    direction: str

    def __str__(self) -> str:
        return f'{self.metric}:{self.direction[:3]}'

    def better(self, one: float, other: float) -> bool:
        """Whether the score ``one`` is better than ``other``."""
        return one > other if self.direction == 'maximize' else one < other


def read_objective(text: str) -> Objective:
    """``mIoU_fg``, ``FalseAlarms:min`` or ``mF1:max`` as an Objective; UsageError for any other direction."""
    metric, _, way = text.partition(':')
    way = way or ('min' if metric in LESS_IS_BETTER else 'max')
    if way not in DIRECTIONS or not metric:
        raise UsageError(f'--objective {text}: expected METRIC, METRIC:max or METRIC:min, such as FalseAlarms:min')
    return Objective(metric, DIRECTIONS[way])


@dataclass(frozen=True)
class Request:
    """A search of ``space`` around the recipe ``base``, until the study has ``trials`` trials.

    ``folder`` is the study's, whose last part is its name. ``storage`` is a journal file or the URL of a database.
    ``seed`` is that of the sampler, ``timeout`` the seconds after which no trial is begun, ``pruner`` one of
    PRUNERS.
    """

    base: Setting
    space: Space
    objectives: tuple[Objective, ...]
    trials: int
    folder: Path
    storage: str
    seed: int = 0
    timeout: float | None = None
    pruner: str = 'median'

    @property
    def several(self) -> bool:
        """Whether there is more than one objective."""
        return len(self.objectives) > 1


def make_request(args: Namespace) -> Request:
    """What the arguments of tools/search.py ask for; UsageError for what cannot be meant."""
    base, space = Setting(args.config, tuple(args.swap), args.cfg_options), read_space(args.space)
    name = args.study or f'{recipe_name(base.recipe, base.swaps, base.options)}-{space.name}'
    if Path(name).name != name or name in ('.', '..'):
        raise UsageError(f'--study {name}: a name for a folder is needed, such as losses')
    folder = project_folder(args.work_dir, args.project) / 'search' / name
    return Request(
        base,
        space,
        objectives=_objectives(args.objective or ['mIoU_fg']),
        trials=args.trials,
        folder=folder,
        storage=args.storage or str(folder / JOURNAL),
        seed=args.seed,
        timeout=args.timeout,
        pruner=args.pruner,
    )


def _objectives(texts: list[str]) -> tuple[Objective, ...]:
    objectives = {each.metric: each for each in map(read_objective, texts)}
    if len(objectives) < len(texts):
        raise UsageError(f'--objective {" ".join(texts)}: a metric stands there twice')
    return tuple(objectives.values())
