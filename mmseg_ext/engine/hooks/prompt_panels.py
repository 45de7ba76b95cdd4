"""Show, while SegGPT is trained, what it is shown and what it paints."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.engine.unwrapped import unwrapped
from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.canvas import Canvas
from mmseg_ext.models.seggpt.panels import asked_canvas, draw_panels
from mmseg_ext.models.segmentors import SegGPTSegmentor


@HOOKS.register_module()
class PromptPanelsHook(Hook):
    """Writes pictures of prompts and queries to the visualizer (image files, TensorBoard, ...).

    A picture is a row of five: images, painted labels with hidden patches grey, painted labels, what the network
    paints on the hidden patches, and the nearest colours of all it paints; the prompt stands above the query.
    Training is the same with and without this hook: weights and random numbers stay as they are.

    Args:
        interval: iterations of training between two pictures of its batches, 0 for none.
        images: how many of the first images of each validation, and of each such batch, are drawn.

    Raises:
        UsageError: numbers that make no sense; a model that is not SegGPT.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 100, images: int = 4) -> None:
        if interval < 0 or images < 1:
            raise UsageError(f'PromptPanelsHook: need interval >= 0 and images >= 1, got {interval=}, {images=}')
        self.interval, self.images = interval, images

    def before_run(self, runner: Runner) -> None:
        if not isinstance(unwrapped(runner.model), SegGPTSegmentor):
            name = type(unwrapped(runner.model)).__name__
            raise UsageError(f'PromptPanelsHook: draws what a SegGPTSegmentor paints, not a {name}; leave it out')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        if not self.interval or not self.every_n_train_iters(runner, self.interval):
            return
        model, batch = unwrapped(runner.model), {key: values[: self.images] for key, values in data_batch.items()}
        data = model.data_preprocessor(batch, True)
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            self._draw(runner, 'train', 0, model.paint_canvas(data['inputs'], data['data_samples']))
        model.train()

    @torch.no_grad()
    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: list[Any] | None = None
    ) -> None:
        batch_size = len(data_batch['inputs'])
        first = batch_idx * batch_size
        if first >= self.images:
            return
        model = unwrapped(runner.model)
        data = model.data_preprocessor(data_batch, False)
        for index in range(min(batch_size, self.images - first)):
            query, sample = data['inputs'][index : index + 1], data['data_samples'][index]
            prompts = model.prompts_of(sample)
            painted = model.answering.painted(query, prompts)
            canvas = asked_canvas(query, sample.gt_sem_seg.data, prompts, painted, model.paint)
            self._draw(runner, 'val', first + index, canvas)

    def _draw(self, runner: Runner, split: str, first: int, canvas: Canvas) -> None:
        for index, picture in enumerate(draw_panels(canvas, unwrapped(runner.model).paint)):
            runner.visualizer.add_image(
                f'{split}_panels_{first + index}', picture, runner.iter + (split == 'train')
            )
