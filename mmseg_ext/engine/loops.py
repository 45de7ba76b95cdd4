"""A validation that also says what the training loss is on images that nobody trains on."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner, ValLoop
from mmengine.runner.amp import autocast
from mmengine.structures import PixelData
from mmseg.registry import LOOPS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch.utils.data import DataLoader

from mmseg_ext.engine.unwrapped import unwrapped
from mmseg_ext.errors import DataError


@LOOPS.register_module()
class LossValLoop(ValLoop):
    """ValLoop that adds ``val_loss`` to the scores, and each of its terms as ``val_<name>``.

    The loss is that of training, all heads and weights included, computed for each image alone and averaged over
    the images of the set: neither the batch size nor the number of processes changes it. The network is in
    evaluation mode, as for the scores. Models that offer ``predict_with_losses`` run once for loss and prediction,
    others twice; a model that predicts window by window sees the whole image for its loss.

    ``fp16`` is that of ValLoop: whether network and losses run in mixed precision.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        evaluator: Evaluator | dict | list,
        fp16: bool = False,
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        self.evaluator.metrics.append(MeanLoss())

    @torch.no_grad()
    def run_iter(self, idx: int, data_batch: dict | Sequence[dict]) -> None:
        """Predict one batch, with its losses, and hand it to the metrics."""
        self.runner.call_hook('before_val_iter', batch_idx=idx, data_batch=data_batch)
        model = unwrapped(self.runner.model)
        with autocast(enabled=self.fp16):
            outputs = predict_with_losses(model, data_batch)
        self.evaluator.process(data_samples=outputs, data_batch=data_batch)
        self.runner.call_hook('after_val_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs)


class MeanLoss(BaseMetric):
    """Means over all images of the ``losses`` that samples carry; the sum is called ``val_loss``."""

    default_prefix = ''  # None would mean the same and log a warning at every start

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Keep {name: value} of each image."""
        self.results += [
            {name: float(value) for name, value in sample['losses'].items()} for sample in data_samples
        ]

    def compute_metrics(self, results: list[dict[str, float]]) -> dict[str, float]:
        """{``val_<name>``: mean}, float64."""
        return {f'val_{name}': sum(image[name] for image in results) / len(results) for name in results[0]}


def predict_with_losses(model: BaseModel, data_batch: dict | Sequence[dict]) -> SampleList:
    """The predicted samples of a batch, each with its ``losses``: {<name>: 0-d value}, ``loss`` being the sum."""
    data = model.data_preprocessor(data_batch, False)
    inputs, samples = data['inputs'], data['data_samples']
    padding_value = getattr(model.data_preprocessor, 'seg_pad_val', 255)
    labelled = [_with_padded_label(sample, inputs.shape[2:], padding_value) for sample in samples]
    if hasattr(model, 'predict_with_losses'):
        outputs, losses = model.predict_with_losses(inputs, samples, labelled)
    else:
        losses = [model(inputs[i : i + 1], [sample], mode='loss') for i, sample in enumerate(labelled)]
        outputs = model(inputs, samples, mode='predict')
    for sample, terms in zip(outputs, losses, strict=True):
        values = model.parse_losses(terms)[1]
        sample.set_data(dict(losses={name: value for name, value in values.items() if 'loss' in name}))
    return outputs


def _with_padded_label(sample: SegDataSample, size: Sequence[int], padding_value: int) -> SegDataSample:
    """A copy whose label has the ``size`` (H, W) of the network's input; padded pixels are ignored by losses.

    mmseg pads images to what strides divide, but not their labels, and a test pipeline resizes the image alone:
    here the label follows, by nearest neighbour as in training.
    """
    if 'gt_sem_seg' not in sample:
        place = sample.get('img_path', 'an image without a path')
        raise DataError(f'{place}: there is no mask for a loss; does the pipeline lack LoadAnnotations?')
    left, right, top, bottom = sample.get('img_padding_size', (0, 0, 0, 0))
    inner, label = (size[0] - top - bottom, size[1] - left - right), sample.gt_sem_seg.data
    if label.shape[1:] != inner:
        label = F.interpolate(label[None].float(), inner, mode='nearest')[0].to(label.dtype)
    label = F.pad(label, (left, right, top, bottom), value=padding_value)
    return sample.new(gt_sem_seg=PixelData(data=label))


def monitor_problems(cfg: Config) -> Iterator[str]:
    """Whatever waits for the loss of a validation, in a config whose validation computes none."""
    loop = cfg.val_cfg.type
    for key, part in _parts(cfg):
        for name in ('monitor', 'save_best'):
            if loop != 'LossValLoop' and str(part.get(name)).startswith('val_'):
                yield (
                    f'{key}.{name} is {part[name]}, which {loop} does not compute; '
                    '--cfg-options val_cfg.type=LossValLoop'
                )


def _parts(cfg: Config) -> Iterator[tuple[str, dict]]:
    """Schedulers and hooks, each behind its key."""
    schedulers = cfg.get('param_scheduler') or []
    lists = dict(param_scheduler=[schedulers] if isinstance(schedulers, dict) else schedulers)
    for key, parts in dict(lists, custom_hooks=cfg.get('custom_hooks') or []).items():
        yield from ((f'{key}.{index}', part) for index, part in enumerate(parts))
    yield from ((f'default_hooks.{name}', part) for name, part in cfg.get('default_hooks', {}).items() if part)
