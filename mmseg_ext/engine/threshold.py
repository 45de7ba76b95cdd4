"""Which threshold turns the probabilities of a single-logit model into masks.

A run is trained and validated with the threshold of its config. The validation of its best weights, which closes
the training, finds the best one (that of the first ThresholdMetric) and writes it down. From then on these weights
decide by it, unless somebody asks for another than the config's. Models with a channel for each class have no
threshold: the largest logit wins.
"""

import logging
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from mmseg_ext.engine.heads import deciding_config, is_threshold
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import CONFIG, run_of
from mmseg_ext.errors import UsageError
from mmseg_ext.files import read_json

CONFIGURED, STORED, GIVEN = 'config', 'validation', 'command line'
RESULT = 'result.json'


class Threshold(NamedTuple):
    """The probability above which a pixel is a defect, None where no threshold decides, and where it comes from:
    ``config``, ``validation`` or ``command line``."""

    used: float | None
    origin: str


def chosen_threshold(checkpoint: str | Path) -> float | None:
    """The best threshold (0..1) that the validation of ``<run>/train/ckpt/x.pth`` has found.

    None when the file lies in no run, when ``<run>/train/result.json`` is not there yet or judged other weights,
    and when it found none. A damaged result is one warning and None.
    """
    run = run_of(checkpoint)
    if run is None:
        return None
    file = run / 'train' / RESULT
    try:
        return _best_of(read_json(file), Path(checkpoint).name)
    except (UsageError, TypeError, ValueError, AttributeError, KeyError) as error:
        reason = error.__cause__ or error
        text = f'{file}: damaged, no threshold can be read there ({reason}); that of the config is used'
        print_log(text, logger='current', level=logging.WARNING)
        return None


def find_threshold(model: nn.Module, cfg: Config, checkpoint: str | Path, stored: bool = True) -> Threshold:
    """What ``model``, built from ``cfg`` and with the weights of ``checkpoint``, should decide by.

    ``stored`` off: the threshold of the config, whatever a validation has found.
    """
    configured = _configured(model)
    if configured is None:
        return Threshold(None, CONFIGURED)
    if not _is_trained_with(cfg, checkpoint):
        return Threshold(configured, GIVEN)
    best = chosen_threshold(checkpoint) if stored else None
    return Threshold(configured, CONFIGURED) if best is None else Threshold(best, STORED)


def set_threshold(model: nn.Module, threshold: Threshold) -> None:
    """Let ``model`` decide by ``threshold``."""
    if threshold.used is None:
        return
    # mmseg asks ``model.decode_head``, which is a list without a threshold of its own where heads are cascaded.
    model.decode_head.threshold = _deciding(model).threshold = threshold.used


def is_closing_validation(checkpoint: str | Path, folder: Path) -> bool:
    """Whether ``folder`` is where the training of these weights leaves the threshold that it chooses."""
    run = run_of(checkpoint)
    return run is not None and run / 'train' == folder.absolute()


def _configured(model: nn.Module) -> float | None:
    """The threshold that a model was built with, None of one that decides by the largest logit."""
    head = _deciding(model)
    threshold = getattr(head, 'threshold', None)
    return threshold if getattr(head, 'out_channels', 1) == 1 else None


def _deciding(model: nn.Module) -> nn.Module | None:
    """The head whose output becomes the mask: the last one of several."""
    head = getattr(model, 'decode_head', None)
    return head[-1] if isinstance(head, nn.ModuleList) else head


def _best_of(result: dict[str, Any] | None, name: str) -> float | None:
    """The threshold that a result holds for the weights of that file name; ValueError for one that is none."""
    if result is None or Path(result['checkpoint']).name != name:
        return None
    best = result.get('threshold', {}).get('best')
    if best is not None and not is_threshold(best):
        raise ValueError(f'{best!r} is no probability')
    return None if best is None else float(best)


def _is_trained_with(cfg: Config, checkpoint: str | Path) -> bool:
    """Whether ``cfg`` has the threshold of the config of the weights' run; weights of no run agree with any."""
    run = run_of(checkpoint)
    if run is None or not (run / 'train' / CONFIG).is_file():
        return True
    trained = load_config(run / 'train' / CONFIG)
    return deciding_config(trained.model).get('threshold') == deciding_config(cfg.model).get('threshold')
