"""What decides a rendered set: its settings, its classes and the names of its files."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from mmseg_ext.errors import UsageError

VERSION = 3  # of the drawing: raise it whenever the same seed gives other pixels
WORDS_VERSION = 1  # of the windows with words, likewise
CLASSES = ('background', 'attached', 'broken')
PALETTE = ((0, 0, 0), (255, 0, 0), (0, 255, 0))
SPLITS = ('train', 'val', 'test')
WORD_FOLDERS = ('images', 'labels', 'regions', 'words')  # of windows with words


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

    @staticmethod
    def files(counts: dict) -> Iterator[str]:
        """Paths inside the set, images and masks, for ``counts`` of train, val and test pictures."""
        for split in SPLITS:
            for index in range(counts[split]):
                for folder in ('img_dir', 'ann_dir'):
                    yield f'{folder}/{split}/{split}_{index:04d}.png'


@dataclass(frozen=True)
class WordSettings:
    """All that decides a set of windows with words: how many, how many pixels wide, and which."""

    seed: int = 0
    count: int = 6000
    size: int = 128

    def __post_init__(self) -> None:
        if self.seed < 0 or self.count < 1:
            raise UsageError(f'seed must be 0 or more and count 1 or more, got {self.seed} and {self.count}')
        if not 32 <= self.size <= 256:
            raise UsageError(f'size must be 32 to 256 pixels, got {self.size}')

    def header(self) -> dict:
        """The part of meta.json that is known before anything is drawn."""
        return {
            'name': 'demo_words',
            'classes': CLASSES,
            'palette': PALETTE,
            'renderer': {'version': WORDS_VERSION, **asdict(self)},
        }

    @staticmethod
    def files(settings: dict) -> Iterator[str]:
        """Paths inside the set, for settings with ``count``."""
        yield from ('captions.jsonl', *(f'{split}.txt' for split in SPLITS))
        for index in range(settings['count']):
            for folder in WORD_FOLDERS:
                yield f'{folder}/{index:05d}.png'
