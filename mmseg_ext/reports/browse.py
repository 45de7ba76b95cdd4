"""What a network really sees: the samples of the real loader, behind pipeline and data preprocessor."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from mmseg.registry import DATASETS, MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmseg_ext.engine.machine import fit_loaders
from mmseg_ext.engine.preflight import dataset_configs, first_line
from mmseg_ext.errors import DataError, UsageError

IGNORED = 255
TIMED = 16  # samples loaded once more, one after the other, to see how long one takes
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Seen:
    """One input of the network. ``size`` is its height and width without the padding at the right and below."""

    image: np.ndarray  # (H, W, 3) uint8 BGR, the normalisation undone
    label: np.ndarray  # (H, W) uint8, 255 = ignored, or padding
    size: tuple[int, int]
    normalised: Tensor  # (3, h, w) float32 without the padding
    meta: dict[str, Any]
    prompts: tuple[tuple[np.ndarray, np.ndarray], ...] = ()  # image and label of each, as the data set gives them


@dataclass
class Statistics:
    """Counts over inputs: ``images_with`` and ``pixels`` are (C,) int64, ``moments`` sums over channels (3,)."""

    classes: tuple[str, ...]
    samples: int = 0
    ignored: int = 0
    sizes: Counter = field(default_factory=Counter)
    inputs: Counter = field(default_factory=Counter)
    images_with: np.ndarray = field(init=False)
    pixels: np.ndarray = field(init=False)
    moments: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))

    def __post_init__(self) -> None:
        self.images_with, self.pixels = np.zeros((2, len(self.classes)), np.int64)

    def add(self, seen: Seen) -> None:
        """Count one input. Padding is neither a pixel of a class nor an ignored one."""
        height, width = seen.size
        counts = np.bincount(seen.label[:height, :width].ravel(), minlength=256)
        self.samples += 1
        self.pixels += counts[: len(self.classes)]
        self.images_with += counts[: len(self.classes)] > 0
        self.ignored += int(counts[len(self.classes) :].sum())
        self.sizes[seen.size] += 1
        self.inputs[seen.label.shape] += 1
        values = seen.normalised.double().flatten(1)
        self.moments += np.stack([np.full(3, values.shape[1]), values.sum(1), values.square().sum(1)])

    @property
    def shares(self) -> np.ndarray:
        """Share (0..1) of each class among the pixels that are not ignored, (C,); NaN without any."""
        total = self.pixels.sum()
        return self.pixels / total if total else np.full(len(self.classes), np.nan)

    @property
    def padding(self) -> float:
        """Share (0..1) of the network's input that is padding."""
        inside, whole = (sum(a * b * n for (a, b), n in each.items()) for each in (self.sizes, self.inputs))
        return 1 - inside / whole

    @property
    def channels(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of the normalised channels in the network's order, (3,) each."""
        count, total, squares = self.moments
        mean = total / count
        return mean, np.sqrt(np.maximum(squares / count - mean**2, 0))


@dataclass(frozen=True)
class View:
    """The loader of a split and the preprocessor behind it, as training or testing builds them."""

    loader: DataLoader
    preprocessor: nn.Module
    training: bool

    @property
    def meta(self) -> dict[str, Any]:
        """``classes`` and ``palette`` (RGB) of the data set."""
        return self.loader.dataset.metainfo

    def samples(self, count: int) -> Iterator[Seen]:
        """The first ``count`` inputs, in order; fewer where the split ends."""
        left = count
        for batch in self.loader:
            paths = [dict(sample.metainfo) for sample in batch['data_samples']]
            sizes = [tuple(image.shape[-2:]) for image in batch['inputs']]
            prompts = [tuple(_prompts(sample)) for sample in batch['data_samples']]
            ready = self.preprocessor(batch, self.training)
            for index in range(min(left, len(sizes))):
                sample = ready['data_samples'][index]
                if 'gt_sem_seg' not in sample:
                    raise DataError(f'{paths[index].get("img_path")}: has no mask; this split is for prediction')
                label = sample.gt_sem_seg.data[0].numpy()
                seen = self._seen(ready['inputs'][index], label, sizes[index], paths[index])
                yield replace(seen, prompts=prompts[index])
            left -= len(sizes)
            if left <= 0:
                return

    def _seen(self, inputs: Tensor, label: np.ndarray, size: tuple[int, int], meta: dict[str, Any]) -> Seen:
        below, right = (have - want for have, want in zip(inputs.shape[1:], label.shape, strict=True))
        label = np.pad(label.astype(np.uint8), ((0, below), (0, right)), constant_values=IGNORED)
        return Seen(self._pixels(inputs), label, size, inputs[:, : size[0], : size[1]], meta)

    def _pixels(self, inputs: Tensor) -> np.ndarray:
        """(H, W, 3) uint8 BGR of a normalised input (3, H, W)."""
        if self.preprocessor._enable_normalize:
            inputs = inputs * self.preprocessor.std + self.preprocessor.mean
        if self.preprocessor._channel_conversion:
            inputs = inputs.flip(0)
        return inputs.round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().numpy()

    def seconds(self) -> float:
        """Seconds that the pipeline takes for one sample in one process: the median of some over the whole set."""
        times, dataset = [], self.loader.dataset
        for index in np.linspace(0, len(dataset) - 1, min(TIMED, len(dataset))).astype(int):
            start = time.perf_counter()
            dataset[int(index)]
            times.append(time.perf_counter() - start)
        return float(np.median(times))


def _prompts(sample: SegDataSample) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images (h, w, 3) uint8 BGR and labels (h, w) uint8 of the prompts of a sample; none of most data sets."""
    if 'prompt_img' in sample:
        images = sample.prompt_img.data.unflatten(0, (-1, 3)).permute(0, 2, 3, 1).contiguous()
        yield from zip(images.numpy(), sample.prompt_sem_seg.data.numpy().astype(np.uint8), strict=True)


def open_view(cfg: Config, split: str, seed: int | None = None) -> View:
    """The view of ``split`` (train, val or test) under ``cfg``, drawn with its seed or with another.

    What comes first here is what a training with that seed sees first: sampler and workers are seeded alike. (With
    ``num_workers=0`` only the order is: there the draws follow those that initialise the network.)
    Raises UsageError when the loader cannot be built, DataError for the data.
    """
    init_default_scope('mmseg')
    missing = [key for key in ('model', f'{split}_dataloader') if key not in cfg]
    if missing or not dataset_configs(cfg, split)[0].get('pipeline'):
        raise UsageError(
            f'{cfg.filename}: {split}_dataloader has no pipeline, or there is no model; give a recipe'
        )
    fit_loaders(cfg)
    randomness = cfg.get('randomness', {})
    seed = randomness.get('seed', 0) if seed is None else seed
    set_random_seed(seed)
    try:
        loader = Runner.build_dataloader(cfg[f'{split}_dataloader'], seed, randomness.get('diff_rank_seed', False))
        preprocessor = MODELS.build(cfg.model.data_preprocessor)
    except DataError:
        raise
    except (TypeError, ValueError, KeyError, AssertionError) as error:
        raise UsageError(f'{split}_dataloader: {first_line(error)}') from error
    return View(loader, preprocessor, split == 'train')


def raw_statistics(cfg: Config, split: str, progress: Progress | None = None) -> Statistics | None:
    """Counts over the masks of ``split`` as they lie on disk; None for a data set that cannot count."""
    total: Statistics | None = None
    for config in dataset_configs(cfg, split):
        dataset = DATASETS.build(dict(config, pipeline=[], lazy_init=True))
        if not hasattr(dataset, 'check'):
            return None
        report = dataset.check(progress=progress)
        total = total or Statistics(report.classes)
        total.samples += report.checked
        total.ignored += report.ignored
        total.pixels += report.pixels
        total.images_with += report.images_with
    return total
