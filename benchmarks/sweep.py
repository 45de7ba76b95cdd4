"""What a sweep costs a run beyond the training itself.

python benchmarks/sweep.py                     # five rounds, a few minutes on a CPU
python benchmarks/sweep.py --rounds 9 --iterations 40

The same short run (rendered blades in a temporary folder, configs/quick/demo_blade.py) is done in turns, so that
whatever else the machine does hits all of them:

    training    train() and judge() on the test split, called in a process that has everything imported and that
                has done it once before: the work that nobody can save
    tools       python tools/train.py, then python tools/test.py: by hand
    sweep       run_sweep() of a plan of one run, one process, from its call to its return; tables and report apart

Printed are the medians. The overhead of a sweep is its time less that of the training and less that of a process
start, which is `python -c 'import mmseg_ext.engine.cli'`; what is left are the checks before the first iteration,
the first steps of a fresh process, lock and log, and the time until the engine notices the end.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from mmengine.config import Config, ConfigDict

from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.runner import device_name
from mmseg_ext.engine.training import best_checkpoint, train
from mmseg_ext.rendering.settings import RenderSettings
from mmseg_ext.rendering.write import render_set
from mmseg_ext.sweeps import sweep
from mmseg_ext.sweeps.engines.local import LocalEngine
from mmseg_ext.sweeps.plans.plan import plan_recipes

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / 'configs/quick/demo_blade.py'
TARGET = 3.0  # seconds


def options(args: argparse.Namespace, data: Path) -> dict[str, object]:
    """What makes the recipe short, lets it do without loader processes, and has it read the rendered set."""
    changes = {'train_cfg.max_iters': args.iterations, 'train_cfg.val_interval': args.iterations}
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        changes |= {f'{loader}.dataset.data_root': str(data), f'{loader}.num_workers': 0}
        changes[f'{loader}.persistent_workers'] = False
    return {**changes, 'train_dataloader.batch_size': 2}


def in_process(cfg: Config, folder: Path) -> None:
    """The training and its test, without a start and without checks."""
    train(cfg, folder)
    judge(cfg, best_checkpoint(folder / 'train/ckpt'), 'test', folder / 'test')


def by_hand(words: list[str], folder: Path) -> None:
    """Both tools, one after the other."""
    python(ROOT / 'tools/train.py', RECIPE, '--work-dir', folder, '--cfg-options', *words)
    python(ROOT / 'tools/test.py', folder / 'train/config.py', folder)


def by_sweep(changes: dict[str, object], project: Path) -> None:
    """A plan of one run on one slot; raises where it fails."""
    (ended,) = sweep.run_sweep(plan_recipes([RECIPE], project, options=changes), LocalEngine(1))
    if ended.code:
        raise RuntimeError(ended.reason)


def python(*words: object) -> None:
    subprocess.run(
        [sys.executable, *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes; what it prints is dropped."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        work()
    return time.perf_counter() - start


def measure(args: argparse.Namespace, root: Path) -> dict[str, list[float]]:
    """Seconds of every round by what was done in it."""
    data = root / 'demo_blade'
    render_set(data, RenderSettings(train=8, val=4, test=4), os.cpu_count() or 1)
    changes = options(args, data)
    cfg = load_config(RECIPE, cfg_options=changes)
    cfg.run = ConfigDict(recipe='benchmark', amp=False)
    words = [f'{key}={value}' for key, value in changes.items()]
    ways = {
        'start': lambda _: python('-c', 'import mmseg_ext.engine.cli'),
        'training': lambda place: in_process(cfg, root / f'training{place}'),
        'tools': lambda place: by_hand(words, root / f'tools{place}'),
        'sweep': lambda place: by_sweep(changes, root / f'sweep{place}'),
    }
    found = {name: [] for name in ways}
    for place in range(-1, args.rounds):  # the first round warms caches up and is not counted
        for name, way in ways.items():
            taken = seconds(lambda: way(place))  # noqa: B023 called at once
            if place >= 0:
                found[name].append(taken)
                print(f'round {place + 1}  {name:<9} {taken:6.2f} s', flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5, help='default: 5')
    parser.add_argument('--iterations', type=int, default=10, help='of each training; default: 10')
    args = parser.parse_args()
    sweep.project_text = lambda *_: ''
    sweep.write_report = lambda _: []
    print(f'torch {torch.__version__}, {device_name()}, {args.iterations} iterations, {args.rounds} rounds')
    with tempfile.TemporaryDirectory() as folder:
        os.environ['MMSEG_EXT_CACHE'] = str(Path(folder, 'cache'))
        found = measure(args, Path(folder))
    medians = {name: median(taken) for name, taken in found.items()}
    overheads = [
        run - train - start
        for run, train, start in zip(*(found[n] for n in ('sweep', 'training', 'start')), strict=True)
    ]
    print('  '.join(f'{name} {value:.2f} s' for name, value in medians.items()))
    print(
        f'overhead of a run of a sweep: {median(overheads):.2f} s (target: at most {TARGET:g} s), '
        f'from {min(overheads):.2f} to {max(overheads):.2f} s; by hand: '
        f'{medians["tools"] - medians["training"] - medians["start"]:.2f} s'
    )


if __name__ == '__main__':
    main()
