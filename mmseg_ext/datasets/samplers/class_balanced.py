"""Images drawn by the classes they hold, so that the rarest comes as often as the commonest."""

from collections.abc import Iterator, Sequence

import torch
from mmengine.dataset import BaseDataset, InfiniteSampler
from mmengine.dist import broadcast_object_list, is_main_process
from mmseg.registry import DATA_SAMPLERS

from mmseg_ext.datasets.transforms.class_presence import classes_present
from mmseg_ext.errors import DataError

BACKGROUND = 0


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(InfiniteSampler):
    """An InfiniteSampler that takes classes in turn, and for each an image that holds it.

    A round is a shuffled list of one turn for each class that occurs and ``free`` turns for images without any
    defect, where there are such. Each of these groups goes through its own images in shuffled passes, so that
    within a group every image comes equally often; an image of two classes is in two groups. In a set of which
    70 % are free of defects and one class is on 15 of 434 images, that class is then on every seventh image of a
    batch at least, where plain shuffling shows it on every thirtieth.

    Class-aware sampling of Shen, Lin & Huang 2016 (https://arxiv.org/abs/1512.05830), with masks for labels and
    the background as a class of its own. The masks are read once, when the sampler is built, by the main process.
    From one seed all processes draw one stream and take turns in it; ``skip`` resumes it, as in InfiniteSampler.

    Args:
        dataset: Data set of this project, or RepeatDataset or ConcatDataset of such.
        free: Turns a round for images without a defect; 0 never shows one while there are others.
        ignore_index: Mask value that is no class.
        seed: Of the stream; None takes the run's.

    Raises:
        DataError: a mask cannot be read.
        ValueError: negative ``free``.
    """

    def __init__(
        self, dataset: BaseDataset, free: int = 1, ignore_index: int = 255, seed: int | None = None
    ) -> None:
        if free < 0:
            raise ValueError(f'ClassBalancedSampler: free={free} turns a round; give 0 or more')
        self.groups = group_images(_shared(dataset), ignore_index)
        self.turns = _turns(self.groups, free)
        super().__init__(dataset, shuffle=True, seed=seed)

    def _infinite_indices(self) -> Iterator[int]:
        """The stream of all processes."""
        generator = torch.Generator().manual_seed(self.seed)
        passes = {name: _shuffled_passes(group, generator) for name, group in self.groups.items()}
        for name in _shuffled_passes(self.turns, generator):
            yield next(passes[name])


def group_images(present: Sequence[frozenset[int]], ignore_index: int = 255) -> dict[int, list[int]]:
    """{class: indices of the images that hold it}, of the mask values of each image; 0: those without a defect."""
    groups: dict[int, list[int]] = {}
    for index, values in enumerate(present):
        for name in sorted(values - {BACKGROUND, ignore_index}) or [BACKGROUND]:
            groups.setdefault(name, []).append(index)
    return groups


def _turns(groups: dict[int, list[int]], free: int) -> list[int]:
    """The groups of a round, one for each turn; the free images all by themselves where nothing else is."""
    defects = [name for name in sorted(groups) if name != BACKGROUND]
    return defects + [BACKGROUND] * (free if defects else 1) * (BACKGROUND in groups)


def _shuffled_passes(items: Sequence[int], generator: torch.Generator) -> Iterator[int]:
    """All items in random order, then all in another, and so on."""
    while True:
        for position in torch.randperm(len(items), generator=generator).tolist():
            yield items[position]


def _shared(dataset: BaseDataset) -> list[frozenset[int]]:
    """The mask values of every image, read by the main process and told to the others."""
    told: list = [None]
    if is_main_process():
        try:
            told = [classes_present(dataset)]
        except DataError as error:
            told = [error]
    broadcast_object_list(told)
    if isinstance(told[0], DataError):
        raise told[0]
    return told[0]
