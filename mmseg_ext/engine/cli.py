"""From parsed arguments to a checked config and a run folder: what tools/train.py and tools/test.py share."""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size, is_main_process

from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import check_run
from mmseg_ext.engine.recipe import recipe_name, run_folder
from mmseg_ext.engine.runner import start_processes
from mmseg_ext.engine.training import best_checkpoint, use_mixed_precision
from mmseg_ext.evaluation.table import format_table

LOG = 'test_log.txt'


@dataclass(frozen=True)
class Plan:
    """A config that has passed all checks, and the folder it works in."""

    cfg: Config
    folder: Path


def plan_run(args: Namespace) -> Plan:
    """Merge, start the processes, check everything. ``folder`` is the run's, holding ``train`` and ``test``."""
    cfg = load_config(args.config, args.swap, args.cfg_options)
    start_processes(cfg, args.launcher)
    name = recipe_name(args.config, args.swap, args.cfg_options, get_world_size())
    cfg.run = ConfigDict(recipe=name)
    if args.seed is not None:
        cfg.randomness.seed = args.seed
    if args.amp:
        use_mixed_precision(cfg)
    check_run(cfg)
    return Plan(cfg, args.work_dir or run_folder(args.config, name, args.seed))


def plan_test(args: Namespace) -> Plan:
    """Merge and check for judging. ``folder`` is where the results go: ``<run>/<split>``."""
    if args.checkpoint.is_dir():
        args.checkpoint = best_checkpoint(args.checkpoint / 'train' / 'ckpt')
    read_checkpoint(args.checkpoint)
    cfg = load_config(args.config, args.swap, args.cfg_options)
    start_processes(cfg, args.launcher)
    name = recipe_name(args.config, args.swap, args.cfg_options, get_world_size())
    cfg.run = ConfigDict(recipe=name)
    check_run(cfg, (args.split,))
    run = args.work_dir or _run_of(args.checkpoint) or run_folder(args.config, name)
    return Plan(cfg, run / args.split)


def _run_of(checkpoint: Path) -> Path | None:
    """The run folder of ``<run>/train/ckpt/x.pth``, or None when the file lies elsewhere."""
    parts = checkpoint.absolute().parents
    return parts[2] if [parts[0].name, parts[1].name] == ['ckpt', 'train'] else None


def report_run(result: dict[str, Any], folder: Path) -> None:
    """Print the table of a result and where its files are, and leave both at the end of the folder's log."""
    if not is_main_process():
        return
    text = '\n'.join(
        [
            f'{result["recipe"]}: {result["images"]} images of the {result["split"]} split, seed {result["seed"]}',
            format_table(result['scores'], result['classes']),
            *(
                f'{name:<14} {folder / name}'
                for name in ('result.json', 'per_image.csv', 'worst.png', 'curves.png')
                if (folder / name).exists()
            ),
        ]
    )
    print(text)
    with (folder / LOG).open('a', encoding='utf-8') as log:
        log.write(text + '\n')
