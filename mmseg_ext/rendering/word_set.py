"""Windows with words on disk, complete or not at all.

images/  labels/   a picture, and the classes of the blade's defects in it
regions/ words/    where a word shows: 0 or 255, and 0 or the number of the word (meta.json: words)
captions.jsonl     a sentence for each picture
{train,val,test}.txt   stems, so that images/ and words/ are a data set of six kinds of defect, too
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial as bound
from itertools import count, islice
from pathlib import Path

import cv2
import numpy as np

from mmseg_ext.rendering.captions import caption
from mmseg_ext.rendering.processes import drawing_pool
from mmseg_ext.rendering.settings import SPLITS, WORD_FOLDERS, WordSettings
from mmseg_ext.rendering.target import render_folder
from mmseg_ext.rendering.windows import WordWindow, draw_windows
from mmseg_ext.rendering.words import WORDS
from mmseg_ext.rendering.write import write_png


def render_words(
    out: Path, settings: WordSettings, workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> tuple[dict, bool]:
    """Draw windows with words into ``out``; return its meta.json and whether it was there already.

    ``out`` may be absent, empty or an earlier set of this kind, which is replaced only once the new one is
    complete. The number of ``workers`` (processes) does not change a byte. ``progress`` is told windows done and
    in all.
    """
    return render_folder(out, settings, lambda root: draw_all(root, settings, workers, progress))


def draw_all(
    root: Path, settings: WordSettings, workers: int, progress: Callable[[int, int], None] | None
) -> dict:
    """Draw every window below ``root``, with captions.jsonl and meta.json; return what the latter says."""
    for folder in WORD_FOLDERS:
        (root / folder).mkdir()
    lines = []
    with closing(windows(settings, workers)) as drawn:
        for index, (split, window) in enumerate(islice(drawn, settings.count)):
            lines.append(write_window(root, f'{index:05d}.png', split, window))
            if progress:
                progress(index + 1, settings.count)
    captions = ''.join(json.dumps(line) + '\n' for line in lines)
    (root / 'captions.jsonl').write_text(captions, encoding='utf-8')
    for split in SPLITS:
        stems = [Path(line['file']).stem for line in lines if line['split'] == split]
        (root / f'{split}.txt').write_text(''.join(f'{stem}\n' for stem in stems), encoding='utf-8')
    meta = json.loads(json.dumps({**settings.header(), 'words': WORDS, 'stats': statistics(lines)}))
    (root / 'meta.json').write_text(json.dumps(meta, indent=1) + '\n', encoding='utf-8')
    return meta


def windows(settings: WordSettings, workers: int) -> Iterator[tuple[str, WordWindow]]:
    """Endless windows, each with its split, in the same order for any number of workers."""
    for blade, found in enumerate(scenes(settings, workers)):
        yield from ((split_of(blade), window) for window in found)


def split_of(blade: int) -> str:
    """Of ten blades the second validates, the third tests, the others train: no two splits show the same blade."""
    return {1: 'val', 2: 'test'}.get(blade % 10, 'train')


def scenes(settings: WordSettings, workers: int) -> Iterator[list[WordWindow]]:
    """The windows of one blade after the other, without an end."""
    draw = bound(draw_windows, size=settings.size)
    keys = ((settings.seed, blade) for blade in count())
    if workers <= 1:
        yield from map(draw, keys)
        return
    with drawing_pool(workers) as pool:
        while True:
            yield from pool.map(draw, islice(keys, 4 * workers))


def write_window(root: Path, name: str, split: str, window: WordWindow) -> dict:
    """Write one window; return its line of captions.jsonl."""
    region = window.region.astype(np.uint8)
    words = region * (WORDS.index(window.word) + 1 if window.word else 0)
    pictures = cv2.cvtColor(window.image, cv2.COLOR_RGB2BGR), window.label, region * 255, words
    for folder, picture in zip(WORD_FOLDERS, pictures, strict=True):
        write_png(root / folder / name, picture)
    return {
        'file': f'images/{name}',
        'region': f'regions/{name}',
        'label': f'labels/{name}',
        'caption': caption(window.noun, window.word),
        'noun': window.noun,
        'word': window.word,
        'split': split,
    }


def statistics(lines: list[dict]) -> dict:
    """How many windows each split has, and each noun and word."""
    counted = {name: Counter(line[name] or 'none' for line in lines) for name in ('split', 'noun', 'word')}
    return {name: dict(sorted(found.items())) for name, found in counted.items()}
