"""Every run on every data set: what was learnt on one is worth on the others.

What is judged goes to ``<run>/<split>-on-<set>`` and is found there again: of an evaluation that was cut nothing
is lost, and one more data set costs only its own column.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmseg_ext.engine.cross_sets import JudgedSet, TrainedRun, config_on, find_sets, read_runs
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.files import null_for_nan, read_json
from mmseg_ext.reports.matrix import Judging

BASES = Path('configs/_base_/datasets')
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Pair:
    """One run on one set: the config to judge with, and where the result goes."""

    run: TrainedRun
    judged: JudgedSet
    split: str
    cfg: Config

    @property
    def folder(self) -> Path:
        """``<run>/<split>-on-<set>``."""
        return self.run.folder / f'{self.split}-on-{self.judged.name}'

    @property
    def home(self) -> bool:
        """Whether the set is the run's own."""
        return self.judged.name in (self.run.trained_on, self.run.own_set(self.split))

    def known_result(self) -> dict[str, Any] | None:
        """The result that is there already: of this config, these weights and these files, or none."""
        places = [self.folder, *([self.run.folder / self.split] if self.cfg is self.run.cfg else [])]
        found = (read_json(place / 'result.json') for place in places)
        return next((result for result in found if result and self._is_current(result)), None)

    def _is_current(self, result: dict[str, Any]) -> bool:
        same = result['config_hash'] == config_hash(self.cfg) and result.get('split_hash') == self.judged.hash
        weights = Path(result['checkpoint']).name == self.run.checkpoint.name
        # A training that was repeated since has other weights under the same name; old results tell no time.
        return same and weights and result.get('finished', '') >= self.run.training.get('finished', '')


def cross_evaluate(
    folders: Sequence[str | Path],
    names: Sequence[str] | None = None,
    split: str = 'test',
    bases: str | Path = BASES,
    progress: Progress = lambda *_: None,
) -> tuple[list[Judging], list[str]]:
    """Judge every finished run in ``folders`` on every data set; also a line for each run that was left out.

    ``names`` are bases in ``bases``, by default the sets that the runs belong to. Everything is checked before the
    first image is judged. ``progress`` is told how many of how many judgings are done, and which comes next.
    Raises UsageError and DataError as ``read_runs`` and ``find_sets`` do.
    """
    runs, left_out = read_runs(folders)
    sets = find_sets(names, runs, split, Path(bases))
    pairs = [Pair(run, judged, split, config_on(run, split, judged)) for run in runs for judged in sets]
    results = {pair.folder: pair.known_result() for pair in pairs}
    missing = [pair for pair in pairs if results[pair.folder] is None]
    for done, pair in enumerate(missing):
        progress(done, len(missing), f'{pair.run.folder} on {pair.judged.name}')
        results[pair.folder] = _judge(pair)
    return [_tested(pair, results[pair.folder]) for pair in pairs], left_out


def _judge(pair: Pair) -> dict[str, Any]:
    said = dict(trained_on=pair.run.trained_on, tested_on=pair.judged.name)
    return null_for_nan(judge(pair.cfg, pair.run.checkpoint, pair.split, pair.folder, training=said))


def _tested(pair: Pair, result: dict[str, Any]) -> Judging:
    run = pair.run
    return Judging(
        run.folder, run.training['recipe'], run.config_hash, run.trained_on, pair.judged.name, pair.home, result
    )
