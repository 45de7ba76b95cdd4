"""mmengine's Runner, made to work on any device with any number of processes."""

import copy
import itertools
import logging
import os
import platform
import warnings
from importlib import metadata
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import LogProcessor, Runner
from torch import distributed, nn

from mmseg_ext.engine.machine import align_state, compile_options, fit_loaders, memory_format
from mmseg_ext.engine.preflight import first_line
from mmseg_ext.engine.pretrained import check_pretrained, settle_pretrained
from mmseg_ext.engine.progress import ShortLogProcessor, one_line, worth_logging, worth_showing
from mmseg_ext.errors import UsageError

PACKAGES = ('torch', 'numpy', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmsegmentation', 'mmseg-ext')
COPIES = itertools.count()


class DefectRunner(Runner):
    """A Runner that also distributes without GPUs, and whose terminal shows progress instead of settings."""

    def build_logger(self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs) -> MMLogger:
        """The terminal hears warnings only while the Runner is built; the log file gets environment and config."""
        logger = super().build_logger(log_level, log_file, **kwargs)
        logger.addFilter(worth_logging)
        self._terminal = [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]
        for handler in self._terminal:
            handler.addFilter(worth_showing)
        self._set_terminal(logging.WARNING)
        return logger

    def build_log_processor(self, log_processor: LogProcessor | dict) -> LogProcessor:
        """Progress lines that fit a terminal; the scalars that are recorded stay the same."""
        return ShortLogProcessor(**{key: value for key, value in log_processor.items() if key != 'type'})

    def _log_env(self, env_cfg: dict) -> None:
        """Versions and device in one line.

        mmengine asks compilers and torchvision for theirs, which takes seconds and fails where torchvision was
        built for another torch.
        """
        said = ', '.join(f'{name} {number}' for name, number in versions().items())
        self.logger.info(f'{said}, {device_name()}, seed {self.seed}, {self.world_size} process(es)')
        self.logger.info(f'Config:\n{self.cfg.pretty_text}')

    def _init_model_weights(self) -> None:
        """Draw the weights, then put them into the memory format that suits the machine.

        In this order, because numbers are drawn in the order of memory: a seed means the same weights in each.
        """
        super()._init_model_weights()
        self.model.to(memory_format=memory_format(self.cfg))

    def load_or_resume(self) -> None:
        """Training or testing begins here: from now on the terminal shows what happens."""
        self._set_terminal(logging.INFO)
        super().load_or_resume()
        if isinstance(self.optim_wrapper, OptimWrapper):
            align_state(self.optim_wrapper.optimizer)

    def train(self) -> nn.Module:
        """The trained model; silent about a learning rate that moves before the first step.

        It counts iterations, and several of them may make one step (``optim_wrapper.accumulative_counts``).
        """
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', r'Detected call of `scheduler.step\(\)`', UserWarning)
            return super().train()

    def test(self) -> dict[str, float]:
        """The scores; the terminal sees the progress, and the table from whoever asked for it."""
        for handler in self._terminal:
            handler.addFilter(one_line)
        return super().test()

    def _set_terminal(self, level: int) -> None:
        for handler in self._terminal if is_main_process() else ():
            handler.setLevel(level)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """On CPUs DistributedDataParallel must not be told a device; mmengine always names one."""
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', '.*broadcast_buffers', FutureWarning)  # mmengine names it too
            if self.distributed and not torch.cuda.is_available() and model_wrapper_cfg is None:
                unused = self.cfg.get('find_unused_parameters', False)
                return MMDistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=unused)
            return super().wrap_model(model_wrapper_cfg, model)

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """Those of mmengine and of the config; losses are read together, not in every iteration."""
        super().register_default_hooks({'runtime_info': dict(type='DeferredInfoHook'), **(hooks or {})})

    def _maybe_compile(self, target: str) -> None:
        """``compile`` in the config means the network in training; mmengine would compile the whole training step.

        Samples, logging and mixed precision cut that into dozens of graphs, and prediction sees images of every
        size. A model that does not know its parts is left to mmengine.
        """
        model, options = getattr(self.model, 'module', self.model), compile_options(self.cfg)
        if options is None or target != 'train_step':
            return
        if hasattr(model, 'compile_parts'):
            model.compile_parts(**options)
        else:
            self.cfg.compile = options
            super()._maybe_compile(target)
        self.logger.info('the first iterations compile the model, which takes minutes')

    def dump_config(self) -> None:
        """Nothing: mmengine would write the copy that a Runner works on; ``save_config`` writes the run's own."""


def build_runner(cfg: Config) -> DefectRunner:
    """The Runner of a working copy; UsageError in one line when the config, or a package it needs, is at fault."""
    used, missing = settle_pretrained(cfg)
    try:
        runner = DefectRunner.from_cfg(cfg)
    except (TypeError, ValueError, KeyError, AssertionError, ImportError) as error:
        raise UsageError(f'the config cannot be built: {first_line(error)}') from error
    check_pretrained(runner.model)
    for line in missing:
        runner.logger.warning(line)
    runner.message_hub.update_info('pretrained', used)  # a resumed run gets what its first start was given
    return runner


def working_copy(cfg: Config, work_dir: Path, name: str) -> Config:
    """A copy for a Runner, with what depends on this machine; ``cfg`` stays what was asked for."""
    cfg = copy.deepcopy(cfg)
    # mmengine keeps loggers and visualisers by this name and the second; two runs of one process must not share.
    cfg.work_dir, cfg.experiment_name, cfg.resume = str(work_dir), f'{name}-{next(COPIES)}', False
    cfg.launcher = 'pytorch' if distributed.is_initialized() else 'none'
    fit_loaders(cfg)
    if distributed.is_initialized() and torch.cuda.is_available():
        # Statistics over all processes cost a synchronisation that only GPUs make cheap.
        cfg.sync_bn = 'torch'
    return cfg


def start_processes(launcher: str) -> None:
    """Join the process group that torchrun or SLURM prepared, over NCCL on GPUs and over gloo without.

    Raises UsageError when there are more processes on this machine than GPUs, or no launcher around.
    """
    if launcher == 'none':
        return
    gpus = torch.cuda.device_count()
    if launcher == 'slurm':
        _slurm_to_environment()
    if 'LOCAL_RANK' not in os.environ:
        raise UsageError(f'--launcher {launcher}: start the command with torchrun (see bash/dist_train.sh)')
    if gpus:
        local = int(os.environ['LOCAL_RANK'])
        if local >= gpus:
            raise UsageError(
                f'process {local} of this machine has no GPU: there are {gpus}; start {gpus} processes'
            )
        torch.cuda.set_device(local)
    # mmengine would set the same and warn about it.
    os.environ.setdefault('MKL_NUM_THREADS', os.environ.get('OMP_NUM_THREADS', '1'))
    if not distributed.is_initialized():
        distributed.init_process_group('nccl' if gpus else 'gloo')


def _slurm_to_environment() -> None:
    """The variables that torchrun would set, from those of srun; the batch script exports MASTER_ADDR."""
    names = {'RANK': 'SLURM_PROCID', 'WORLD_SIZE': 'SLURM_NTASKS', 'LOCAL_RANK': 'SLURM_LOCALID'}
    missing = [name for name in [*names.values(), 'MASTER_ADDR'] if name not in os.environ]
    if missing:
        raise UsageError(f'--launcher slurm: {", ".join(missing)} not set; start with srun and export MASTER_ADDR')
    os.environ.update({name: os.environ[source] for name, source in names.items()})
    os.environ.setdefault('MASTER_PORT', '29500')


def versions() -> dict[str, str]:
    """Versions of what a run's numbers depend on."""
    return {'python': platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def device_name() -> str:
    """The device a run uses, for its record: the GPU's name or ``cpu x threads``."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f'cpu x {torch.get_num_threads()}'
