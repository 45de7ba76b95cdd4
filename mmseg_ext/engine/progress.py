"""What of a run's log a terminal shows: progress, one table a validation, and warnings that someone can act on."""

import logging
from typing import Any

from mmengine.runner import LogProcessor

from mmseg_ext.evaluation.table import MEANS
from mmseg_ext.score_names import is_of_class, tag_of

# Names whose last values are averaged. mmengine would also average the losses of the last validations.
SMOOTHED = r'^(?!val_).*(loss|time|grad_norm)'


class ShortLogProcessor(LogProcessor):
    """Lines without the terms of the loss and without the scores of the table; all of them are still recorded.

    They go to ``vis_data/scalars.json`` and to every visualisation backend. ``options`` are those of LogProcessor.
    """

    def __init__(self, mean_pattern: str = SMOOTHED, **options: Any) -> None:
        super().__init__(mean_pattern=mean_pattern, **options)

    def get_log_after_iter(self, runner: Any, batch_idx: int, mode: str) -> tuple[dict, str]:
        """The recorded scalars, and the line: iteration, learning rate, time left, loss."""
        if mode == 'train':
            runner.call_hook('before_log')  # DeferredInfoHook records what it has not looked at yet
        scalars, line = super().get_log_after_iter(runner, batch_idx, mode)
        return scalars, _shortened(line)

    def get_log_after_epoch(
        self, runner: Any, batch_idx: int, mode: str, with_non_scalar: bool = False
    ) -> tuple[dict, str]:
        """The recorded scalars, and the line: time and such scores as the table does not show."""
        scalars, line = super().get_log_after_epoch(runner, batch_idx, mode, with_non_scalar)
        return scalars, _shortened(line)


def _shortened(line: str) -> str:
    first, *parts = line.split('  ')
    # The validation split is judged by mmengine's test loop too, and nobody should take the one for the other.
    kept = [part for part in parts if part and not _is_detail(part.partition(': ')[0])]
    return '  '.join([first.replace('Iter(test)', 'Judging'), *kept])


def _is_detail(name: str) -> bool:
    return is_of_class(name) or tag_of(name) is not None or name in MEANS


def worth_logging(record: logging.LogRecord) -> bool:
    """Not mmengine's reminders of its own deprecated functions, which it calls itself."""
    return 'deprecated in future' not in record.getMessage()


def worth_showing(record: logging.LogRecord) -> bool:
    """Not the reminder of the run's name every thousand iterations, nor where each checkpoint came from."""
    return not record.getMessage().startswith(('Exp name', 'Loads checkpoint', 'Load checkpoint'))


def one_line(record: logging.LogRecord) -> bool:
    """Not a table."""
    return '\n' not in record.getMessage()
