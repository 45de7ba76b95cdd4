"""From a command line to a checked config and a run folder: what the tools and the runs of a sweep share."""

import argparse
import math
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dist import get_world_size, is_main_process
from torch import distributed

from mmseg_ext.arguments import add_recipe_options
from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.judging import augmented_folder
from mmseg_ext.engine.machine import machine_problems
from mmseg_ext.engine.overrides import merge_config
from mmseg_ext.engine.preflight import check_run
from mmseg_ext.engine.pretrained import published_file
from mmseg_ext.engine.recipe import CONFIG, config_hash, recipe_name, run_folder, run_of
from mmseg_ext.engine.runner import start_processes
from mmseg_ext.engine.threshold import CONFIGURED, GIVEN, STORED
from mmseg_ext.engine.training import find_checkpoint
from mmseg_ext.errors import UsageError
from mmseg_ext.evaluation.gain import format_gain
from mmseg_ext.evaluation.table import MEANS, format_table
from mmseg_ext.files import folder_problem
from mmseg_ext.score_names import PROMPTED, is_of_class, rounded, spoken, tag_of

KEYS = ('model', 'train_dataloader', 'val_dataloader', 'test_dataloader', 'train_cfg', 'val_evaluator')
KEYS += ('test_evaluator', 'optim_wrapper', 'default_hooks', 'visualizer', 'randomness')
ORIGINS = {
    CONFIGURED: 'as the config says',
    STORED: 'best of the validation after training',
    GIVEN: 'asked for in place of what the run was trained with',
}
FILES = ('result.json', 'per_image.csv', 'worst.png', 'curves.png')


def common_parser(description: str) -> ArgumentParser:
    """A parser with what training and testing both understand."""
    parser = ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path, help='a recipe, or the config.py of a run')
    parser.add_argument('--work-dir', type=Path, help='folder of the run; default: from the name of the recipe')
    add_recipe_options(parser)
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm'), default='none')
    return parser


def training_parser(description: str) -> ArgumentParser:
    """A parser with what a training understands, whoever starts it."""
    parser = common_parser(description)
    parser.add_argument('--amp', action='store_true', help='mixed precision (GPU)')
    parser.add_argument(
        '--channels-last',
        action=BooleanOptionalAction,
        help='memory format of the network; default: on a CPU where the model says so, not on a GPU',
    )
    parser.add_argument(
        '--compile',
        action='store_true',
        help='torch.compile of the network: minutes at the start, less time an iteration; needs a C++ compiler',
    )
    parser.add_argument('--seed', type=int, help='default: randomness.seed of the config')
    return parser


@dataclass(frozen=True)
class Plan:
    """A config that has passed all checks, and the folder it works in."""

    cfg: Config
    folder: Path


def plan_run(args: Namespace, splits: tuple[str, ...] = ('train', 'val')) -> Plan:
    """Merge, start the processes, check everything, the data of ``splits`` too.

    ``folder`` is the run's, holding ``train`` and ``test``.
    """
    cfg, problems = _merged(args)
    execution = _execution(args, cfg.get('run', {}))
    if args.seed is not None:
        cfg.randomness.seed = args.seed
    _name(cfg, args, problems, get_world_size(), execution)
    problems += machine_problems(cfg)
    folder = args.work_dir or _own_folder(args) or run_folder(args.config, cfg.run.recipe, args.seed)
    check_run(cfg, splits, filter(None, [*problems, folder_problem(folder)]))
    return Plan(cfg, folder)


def plan_test(args: Namespace) -> Plan:
    """Merge and check for judging. ``folder`` is where the results go.

    That is ``<run>/<split>`` for the config that the run was trained with. Any other, such as another data set,
    gets ``<run>/<split>-<its name>``, so that it cannot be taken for the result of the run. Without a checkpoint
    the weights are those that the model was published with.
    """
    if args.checkpoint:
        args.checkpoint = find_checkpoint(args.checkpoint)
        read_checkpoint(args.checkpoint)
    cfg, problems = _merged(args)
    args.checkpoint = args.checkpoint or published_file(cfg.model)
    _name(cfg, args, problems)
    run = run_of(args.checkpoint) or args.work_dir or run_folder(args.config, cfg.run.recipe)
    folder = (args.work_dir or run) / args.split
    if (run / 'train' / CONFIG).is_file():
        trained = Config.fromfile(run / 'train' / CONFIG)
        if config_hash(trained) == config_hash(cfg):
            cfg.run = trained.run
        else:
            folder = folder.with_name(f'{args.split}-{cfg.run.recipe}')
    check_run(cfg, (args.split,), filter(None, [*problems, folder_problem(folder)]))
    return Plan(cfg, folder)


def _merged(args: Namespace) -> tuple[Config, list[str]]:
    """The config as asked for and what is wrong with it so far; the processes of the launcher are joined."""
    cfg, problems = merge_config(args.config, args.swap, args.cfg_options)
    missing = [key for key in KEYS if key not in cfg]
    if missing:
        raise UsageError(f'{args.config}: no complete recipe, it lacks {", ".join(missing)}')
    start_processes(args.launcher)
    return cfg, problems


def _execution(args: Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """How the run is executed: what the command line says, else what the config of a run (``before``) does."""
    channels_last = args.channels_last if args.channels_last is not None else before.get('channels_last')
    return dict(
        amp=args.amp or bool(before.get('amp')),
        channels_last=channels_last,
        compile=args.compile or bool(before.get('compile')),
    )


def _name(
    cfg: Config, args: Namespace, problems: list[str], gpus: int = 1, execution: dict[str, Any] | None = None
) -> None:
    """Give ``cfg`` the name of its run; one with problems never gets to need it."""
    execution = execution or dict(amp=False)
    options = {} if problems else args.cfg_options
    name = args.config.stem if problems else recipe_name(args.config, args.swap, options, gpus, execution['amp'])
    cfg.run = ConfigDict(recipe=name, **execution)


def _own_folder(args: Namespace) -> Path | None:
    """The run whose merged config this is, unchanged; None for any other config."""
    is_own = args.config.name == CONFIG and args.config.absolute().parent.name == 'train'
    return args.config.absolute().parents[1] if is_own and not args.cfg_options and args.seed is None else None


def report_run(result: dict[str, Any], folder: Path) -> None:
    """Print the table of a result and where its files are, and leave both at the end of the folder's log."""
    _report(folder, _summary(result))
    _end_processes()


def report_gain(plain: dict[str, Any], augmented: dict[str, Any], folder: Path) -> None:
    """``report_run`` for both results of ``judge_both``, and a table of what the views gain and cost."""
    _report(folder, _summary(plain))
    _report(augmented_folder(folder), [*_summary(augmented), format_gain(plain, augmented), ''])
    _end_processes()


def _report(folder: Path, lines: list[str]) -> None:
    if is_main_process():
        text = '\n'.join([*lines, *_paths(folder)])
        print(text)
        with (folder / f'{folder.name.partition("-")[0]}_log.txt').open('a', encoding='utf-8') as log:
            log.write(text + '\n')


def _end_processes() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()


def _summary(result: dict[str, Any]) -> list[str]:
    scores = result['scores']
    others = [name for name in scores if not is_of_class(name) and not tag_of(name)]
    others = [name for name in others if name not in (*MEANS, *PROMPTED)]
    prompted, table = [name for name in PROMPTED if name in scores], format_table(scores, result['classes'])
    tags = {tag_of(name): None for name in scores if tag_of(name)}
    by_tag = {tag: [name for name in scores if tag_of(name) == tag] for tag in tags}
    judged = f'{result["images"]} {"pairs" if prompted else "images"}'
    return [
        f'{result["recipe"]}: {judged} of the {result["split"]} split, seed {result["seed"]}'
        + (f', tta {result["tta"]}' if result.get('tta') else ''),
        *([table] if table else []),
        *(_line(scores, names) for names in (prompted, others) if names),
        *(f'{_line(scores, names)}  ({spoken(tag)})' for tag, names in by_tag.items()),
        *_decision(result.get('threshold', {})),
    ]


def _line(scores: dict[str, float | None], names: Iterable[str]) -> str:
    """Scores by what stands before the @ of their names."""
    return '  ' + '  '.join(f'{name.partition("@")[0]} {_digits(name, scores[name])}' for name in names)


def _digits(name: str, value: float | None) -> str:
    if value is None or math.isnan(value):
        return '–'
    return rounded(name, value) if tag_of(name) or name in PROMPTED else f'{value:.4f}'


def _decision(threshold: dict[str, Any]) -> list[str]:
    """What decided the masks of a single-logit model, and what would have suited these images best."""
    if threshold.get('used') is None:
        return []
    best = threshold.get('best')
    here = '' if best is None else f'; best on these images {best:g} ({spoken(threshold["tag"])})'
    return [f'masks: probability > {threshold["used"]:g} ({ORIGINS[threshold["origin"]]}){here}']


def _paths(folder: Path) -> list[str]:
    return [f'{name:<14} {folder / name}' for name in FILES if (folder / name).exists()]
