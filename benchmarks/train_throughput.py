"""Training iterations a second of our loop against stock mmsegmentation, on the same model, data and batch.

python benchmarks/train_throughput.py                                        # a few minutes on a CPU
python benchmarks/train_throughput.py --models fast_scnn deeplabv3plus_r50-d8     # crops of 512, batch 8 on a GPU
python benchmarks/train_throughput.py --data /data/magnetic_tile --options compile fused

Stock is mmengine's plain Runner with mmseg's EncoderDecoder, SegDataPreProcessor, CrossEntropyLoss, hooks and
usual pipeline (RandomResize, RandomCrop, RandomFlip, PhotoMetricDistortion). Ours is what tools/train.py runs with
configs/_base_/pipelines/crop_512.py and cross-entropy. Data is a rendered set in a temporary folder, or --data.

Both train at once in this process and take turns, a block of iterations each, so that whatever else the machine
does hits both; the first block of each, and the first iterations of every block, are not counted. Loaders have
equally many processes. Printed are images a second (median of the blocks) and the ratio of the medians; without a
GPU also the ratio of this process's CPU time, loaders apart, which other work on the machine disturbs less. Then
the same for each option of --options against our loop without it. Validation is not part of it: see
benchmarks/metrics.py.
"""

import argparse
import copy
import logging
import os
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict
from mmengine.hooks import Hook
from mmengine.runner import Runner

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.machine import loader_processes, memory_format
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.runner import DefectRunner, device_name, working_copy
from mmseg_ext.rendering.settings import RenderSettings
from mmseg_ext.rendering.write import render_set

ROOT = Path(__file__).resolve().parents[1]
LEAF = ROOT / 'configs/fast_scnn/fast_scnn_focal_1xb8-40k_wta_512-512x512.py'
GPU = torch.cuda.is_available()
OPTIONS = ('amp', 'channels-last', 'compile', 'fused')
STOCK_PIPELINE = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=None, ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=None, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
STOCK_HOOKS = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=10**9),
    sampler_seed=dict(type='DistSamplerSeedHook'),
)


class Turns:
    """Lets one of several threads run at a time; who fails sets all free."""

    def __init__(self, count: int) -> None:
        self.count, self.turn, self.failed, self.changed = count, 0, False, threading.Condition()

    def take(self, place: int) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.failed or self.turn == place)
        if self.failed:
            raise RuntimeError('the other loop has failed')

    def give(self, failed: bool = False) -> None:
        with self.changed:
            self.turn, self.failed = (self.turn + 1) % self.count, self.failed or failed
            self.changed.notify_all()


class Blocks(Hook):
    """Times ``timed`` of every ``lead + timed`` iterations, then lets the other loop have as many."""

    priority = 'LOWEST'

    def __init__(self, turns: Turns, place: int, lead: int, timed: int) -> None:
        self.turns, self.place, self.lead, self.timed, self.seconds = turns, place, lead, timed, []

    def before_train(self, runner: Runner) -> None:
        self.turns.take(self.place)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        done = (runner.iter + 1) % (self.lead + self.timed)
        if done == self.lead:
            self.start = clocks()
        elif done == 0:
            self.seconds.append([after - before for after, before in zip(clocks(), self.start, strict=True)])
            self.turns.give()
            self.turns.take(self.place)

    def after_train(self, runner: Runner) -> None:
        self.turns.give()


def clocks() -> tuple[float, float]:
    """Seconds on the wall and of this process's CPUs, once the device has done all it was given."""
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


def recipe(model: str, args: argparse.Namespace) -> Config:
    """Our recipe for ``model`` on the data of ``args``, from random weights, without validation."""
    cfg = load_config(LEAF, [f'models={model}', 'losses=cross_entropy', f'datasets={args.dataset}'])
    size, loader = (args.crop, args.crop), cfg.train_dataloader
    loader.update(batch_size=args.batch, num_workers=args.workers, persistent_workers=args.workers > 0)
    loader.dataset.update(data_root=str(args.data))
    for step in loader.dataset.pipeline:
        if 'crop_size' in step:
            step.crop_size = size
    cfg.model.data_preprocessor.size = size
    cfg.model.backbone.pop('init_cfg', None)
    cfg.train_cfg.update(max_iters=(args.blocks + 1) * (args.lead + args.timed) + 1, val_interval=10**9)
    cfg.default_hooks.checkpoint.interval = 10**9
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator', 'test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg.pop(key)
    cfg.log_level, cfg.run = 'ERROR', ConfigDict(recipe='benchmark', amp=False)
    return cfg


def ours(cfg: Config, options: set[str], folder: Path) -> Runner:
    """The Runner of tools/train.py with the lean segmentor, and with ``options``."""
    cfg.model.update(type='LeanEncoderDecoder')
    cfg.model.data_preprocessor.update(type='BatchDataPreProcessor')
    cfg.run.update(compile='compile' in options, channels_last='channels-last' in options)
    if 'fused' in options:
        cfg.optim_wrapper.optimizer.fused = True
    if 'amp' in options:
        cfg.optim_wrapper.update(type='AmpOptimWrapper', loss_scale='dynamic')
    return DefectRunner.from_cfg(working_copy(cfg, folder, 'ours'))


def stock(cfg: Config, folder: Path) -> Runner:
    """mmengine's Runner with the pieces of mmseg's own recipes."""
    cfg = copy.deepcopy(cfg)
    loss = dict(type='CrossEntropyLoss', use_sigmoid=False)
    cfg.model.update(type='EncoderDecoder')
    cfg.model.pop('cpu_channels_last', None)
    cfg.model.data_preprocessor.update(type='SegDataPreProcessor')
    cfg.model.decode_head.loss_decode = dict(loss, loss_weight=1.0)
    for head in cfg.model.auxiliary_head:
        head.loss_decode = dict(loss, loss_weight=0.4)
    pipeline, size = copy.deepcopy(STOCK_PIPELINE), cfg.model.data_preprocessor.size
    pipeline[2]['scale'], pipeline[3]['crop_size'] = (2 * size[1], size[0]), size
    cfg.train_dataloader.dataset.pipeline, cfg.default_hooks = pipeline, STOCK_HOOKS
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    cfg.work_dir, cfg.experiment_name = str(folder), f'stock-{folder.name}'
    return Runner.from_cfg(cfg)


def race(runners: list[Runner], args: argparse.Namespace) -> list[tuple[float, float]]:
    """Images a second, and images for each second of CPU time, of each runner, taking turns."""
    turns = Turns(len(runners))
    timers = [Blocks(turns, place, args.lead, args.timed) for place in range(len(runners))]

    def drive(runner: Runner, timer: Blocks) -> None:
        runner.register_hook(timer, 'LOWEST')
        try:
            runner.train()
        except BaseException:
            turns.give(failed=True)
            raise

    with ThreadPoolExecutor(len(runners)) as pool:
        for done in [pool.submit(drive, *pair) for pair in zip(runners, timers, strict=True)]:
            done.result()
    images = args.batch * args.timed
    columns = [zip(*timer.seconds[1:], strict=True) for timer in timers]
    return [tuple(images / statistics.median(column) for column in each) for each in columns]


def compare(name: str, base: str, model: str, args: argparse.Namespace, before: set | None, after: set) -> None:
    """Race our loop with the options ``after`` against stock (``before`` None) or our loop with ``before``."""
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder, 'one'), Path(folder, 'two')
        cfg = recipe(model, args)
        peer = stock(cfg, one) if before is None else ours(copy.deepcopy(cfg), before, one)
        (slow, slow_cpu), (fast, fast_cpu) = race([peer, ours(copy.deepcopy(cfg), after, two)], args)
    cpu = '' if GPU else f'   CPU time {fast_cpu / slow_cpu:5.2f}'
    speeds = f'{fast:7.1f} images/s   {base:<12} {slow:7.1f}   ratio {fast / slow:5.2f}'
    print(f'{model:<22} {name:<18} {speeds}{cpu}', flush=True)


def usual_options(model: str, args: argparse.Namespace) -> set[str]:
    """What our loop does without being asked."""
    return {'channels-last'} if memory_format(recipe(model, args)) is torch.channels_last else set()


def run_model(model: str, args: argparse.Namespace) -> None:
    """Ours against stock, each option against ours without it, and all options together against stock."""
    usual = usual_options(model, args)
    compare('ours', 'stock', model, args, None, usual)
    usable = [option for option in args.options if GPU or option != 'amp']
    for option in usable:
        compare(f'ours {option}', 'ours without', model, args, usual - {option}, usual | {option})
    if set(usable) - usual:
        compare('ours, all these', 'stock', model, args, None, usual | set(usable))


def render(folder: Path, args: argparse.Namespace) -> None:
    args.data, args.dataset = folder, 'demo_blade'
    render_set(folder, RenderSettings(train=args.images, val=1, test=1), os.cpu_count() or 1)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--models', nargs='+', default=['fast_scnn'], help='names in configs/_base_/models')
    parser.add_argument('--data', type=Path, help='a set in the layout of the project; default: rendered')
    parser.add_argument('--dataset', help='its base in configs/_base_/datasets; default: the name of its folder')
    parser.add_argument('--images', type=int, default=32, help='pictures to render')
    parser.add_argument('--crop', type=int, default=512 if GPU else 256)
    parser.add_argument('--batch', type=int, default=8 if GPU else 4)
    parser.add_argument('--workers', type=int, default=loader_processes(), help='loader processes of either loop')
    parser.add_argument('--blocks', type=int, default=9 if GPU else 7, help='counted blocks of either loop')
    parser.add_argument('--lead', type=int, default=40 if GPU else 2, help='uncounted iterations of a block')
    parser.add_argument('--timed', type=int, default=100 if GPU else 5, help='counted iterations of a block')
    options = OPTIONS if GPU else ('channels-last', 'fused')
    parser.add_argument('--options', nargs='*', choices=OPTIONS, default=options)
    args = parser.parse_args()
    args.dataset = args.dataset or (args.data and args.data.name)
    return args


def main() -> None:
    args = parse()
    logging.disable(logging.WARNING)
    print(
        f'torch {torch.__version__}, {device_name()}, crops of {args.crop} px, batch {args.batch}, {args.workers} '
        f'loader processes, {args.blocks} blocks of {args.timed} iterations'
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ['MMSEG_EXT_CACHE'] = str(Path(folder, 'cache'))
        if args.data is None:
            render(Path(folder, 'demo_blade'), args)
        for model in args.models:
            run_model(model, args)


if __name__ == '__main__':
    main()
