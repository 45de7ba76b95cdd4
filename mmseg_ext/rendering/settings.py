"""What decides a rendered set: its settings, its classes and the names of its files."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from mmseg_ext.errors import UsageError

VERSION = 3  # of the drawing: raise it whenever the same seed gives other pixels
CLASSES = ('background', 'attached', 'broken')
PALETTE = ((0, 0, 0), (255, 0, 0), (0, 255, 0))
SPLITS = ('train', 'val', 'test')


@dataclass(frozen=True)
class RenderSettings:
    """All that decides the files: the same settings give the same bytes."""

    seed: int = 0
    train: int = 120
    val: int = 40
    test: int = 40

    def __post_init__(self) -> None:
        bad = {name: value for name, value in asdict(self).items() if value < 0}
        if bad:
            raise UsageError(f'seed and counts must be 0 or more, got {bad}')
        if not self.images:
            raise UsageError('nothing to draw: train, val and test are all 0')

    @property
    def images(self) -> int:
        return self.train + self.val + self.test

    def header(self) -> dict:
        """The part of meta.json that is known before anything is drawn."""
        return {
            'name': 'demo_blade',
            'classes': CLASSES,
            'palette': PALETTE,
            'ignore_index': 255,
            'renderer': {'version': VERSION, **asdict(self)},
        }


def file_names(counts: dict) -> Iterator[str]:
    """Paths inside the set, images and masks, for ``counts`` of train, val and test pictures."""
    for split in SPLITS:
        for index in range(counts[split]):
            for folder in ('img_dir', 'ann_dir'):
                yield f'{folder}/{split}/{split}_{index:04d}.png'
