"""Several small batches to one step: what it means for a run, and what a config can get wrong about it.

``--cfg-options +optim_wrapper.accumulative_counts=4`` (or a schedule that says so) makes one step of the gradients
of four iterations, for batches that do not fit into memory at once. mmengine's OptimWrapper does the work:

* The loss of each iteration is divided by the size of its group; the iterations that are left over at the end of
  the run form a smaller group, with its own size. The clipping of gradients and their scale in mixed precision
  belong to the step; several processes exchange their gradients once a group.
* Everything counts iterations: length, validations, learning rate. The step uses the rate of its last iteration.
  n iterations give n / 4 steps, so a schedule made for the large batch needs its numbers times four.
* A group equals the large batch exactly where the loss is a mean over images, or over pixels with equally many
  scored in each batch. Losses that look at the batch as a whole (Dice, Tversky, Lovász, cross-entropy with class
  weights) then look at the small one, and so do the statistics of BatchNorm.
* A checkpoint is written, and a stopped run ends, after a step: see AtomicCheckpointHook. A validation in the
  middle of a group judges the weights of the last step and leaves the gradients alone.
"""

from collections.abc import Iterator

from mmengine.config import Config


def accumulation_problems(cfg: Config) -> Iterator[str]:
    """A number of iterations a step that is none."""
    counts = cfg.optim_wrapper.get('accumulative_counts', 1)
    if type(counts) is not int or counts < 1:
        yield (
            f'optim_wrapper.accumulative_counts is {counts!r}, not a number of iterations; '
            '--cfg-options +optim_wrapper.accumulative_counts=4'
        )
