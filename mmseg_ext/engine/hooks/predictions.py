"""Write what the model predicted while it is being tested."""

from pathlib import Path
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmseg_ext.reports.overlays import comparison, write_image


@HOOKS.register_module()
class SavePredictionsHook(Hook):
    """Writes index masks to ``out_dir`` and image | truth | prediction to ``show_dir``; each may be None."""

    def __init__(self, out_dir: str | None = None, show_dir: str | None = None) -> None:
        self.out_dir, self.show_dir = out_dir and Path(out_dir), show_dir and Path(show_dir)

    def before_test_epoch(self, runner: Runner) -> None:
        for folder in filter(None, (self.out_dir, self.show_dir)):
            folder.mkdir(parents=True, exist_ok=True)

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: list[Any] | None = None
    ) -> None:
        meta = runner.visualizer.dataset_meta
        for sample in outputs or []:
            stem, mask = Path(sample.img_path).stem, sample.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8)
            if self.out_dir:
                write_image(self.out_dir / f'{stem}.png', mask)
            if self.show_dir:
                truth = sample.gt_sem_seg.data[0].cpu().numpy() if 'gt_sem_seg' in sample else None
                write_image(
                    self.show_dir / f'{stem}.png', comparison(sample.img_path, truth, mask, meta['palette'])
                )
