"""A folder as a run leaves it, for the tests of the report: rendered surfaces with a crack, edited by paint.

from fake_edits import make_fake_edits
out = make_fake_edits(tmp_path / 'tiles_rust', photographs=30)

Two words, four states: of every ten photographs the 4th and 8th are rejected for one word or both, the 6th failed,
the 10th has no defect and is skipped. The same arguments write the same bytes.
"""

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from augment.config.settings import EditSettings
from augment.editing.photo import EditedPhoto
from augment.quality import judge, measure
from augment.regions.windows import Window

SIZE = (220, 300)
WORDS = ('peeling', 'rust')
SETTINGS = EditSettings()
META = {
    'name': 'tiles',
    'classes': ['background', 'crack', 'spall'],
    'palette': [[0, 0, 0], [255, 64, 64], [64, 160, 255]],
}


def smooth(rng: np.random.Generator, sigma: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Noise of about unit variance without fine structure, (H, W) float32."""
    noise = cv2.GaussianBlur(rng.standard_normal(size).astype(np.float32), (0, 0), sigma)
    return noise / noise.std()


def photograph(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A grey plastered surface with a crack that wanders from left to right, and its label."""
    grey = 150 + 9 * smooth(rng, 30) + 5 * smooth(rng, 3) + 4 * smooth(rng, 0.8)
    image = np.stack([grey + 6, grey + 2, grey - 6], -1)
    xs = np.linspace(0.2, 0.62, 24) * SIZE[1]
    ys = SIZE[0] * rng.uniform(0.35, 0.65) + np.cumsum(rng.normal(0, 4, 24))
    points = np.stack([xs, ys], -1).round().astype(np.int32)
    crack = np.zeros(SIZE, np.uint8)
    cv2.polylines(crack, [points], False, 255, 2, cv2.LINE_AA)
    image -= 85 * (cv2.GaussianBlur(crack, (0, 0), 0.8) / 255.0)[..., None]
    label = (crack > 90).astype(np.uint8)
    cv2.circle(label, tuple(map(int, points[-1])), 5, 2, -1)
    return np.clip(image, 0, 255).astype(np.uint8), label


def painted(rng: np.random.Generator, image: np.ndarray, label: np.ndarray, word: str, fault: str) -> EditedPhoto:
    """An edit of the halo around the crack; ``fault``: '', 'erased' or 'seam'."""
    far = cv2.distanceTransform((label == 0).astype(np.uint8), cv2.DIST_L2, 5)
    region = far <= 16
    weight = np.clip((16 - far) / 6, 0, 1)[..., None] if fault != 'seam' else region[..., None].astype(np.float32)
    stain = np.clip(smooth(rng, 4) + 1.6 - far / 9, 0, 1)[..., None]
    colour = np.array([150, 82, 40] if word == 'rust' else [212, 208, 198], np.float32)
    drawn = image * (1 - 0.75 * stain) + 0.75 * stain * (colour + 10 * smooth(rng, 1)[..., None])
    drawn = np.where(label[..., None] > 0, image * 0.9, drawn)
    if fault == 'erased':
        drawn = np.full_like(image, 150) + 6 * smooth(rng, 1)[..., None]
    if fault == 'seam':
        drawn = drawn - 45
    edited = np.where(region[..., None], image + weight * (drawn - image), image).clip(0, 255).astype(np.uint8)
    redrawn = np.clip(image + rng.normal(0, 5 + 4 * rng.random(), image.shape), 0, 255).astype(np.uint8)
    windows = [window_around(label == 1), window_around(label == 2)][: 1 + (fault == 'seam')]
    return EditedPhoto(word, SETTINGS.target_prompt(word), edited, region, redrawn, None, windows, [], {}, False)


def window_around(part: np.ndarray) -> Window:
    """A square of 160 pixels with the part in its middle, or of the whole frame where it is small."""
    rows, columns = np.nonzero(part)
    side = 160
    top = int(np.clip(rows.mean() - side / 2, 0, SIZE[0] - side))
    left = int(np.clip(columns.mean() - side / 2, 0, SIZE[1] - side))
    return Window(top, left, side, side)


def save(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def line_of(stem: str, word: str, status: str, **more) -> dict:
    """A line of the manifest with every key that a run writes."""
    record = dict(id=f'{stem}__{word}', stem=stem, word=word, status=status, reason=None)
    record |= dict(source={'path': f'img_dir/train/{stem}.png', 'label_path': f'ann_dir/train/{stem}.png'})
    record |= dict(output={}, prompts={}, tokens={}, windows=[], scores={}, failed_gates=[], settings_hash='0f3a')
    record |= dict(attempts=[], seconds=0.0, peak_gib=None, needs_review=False, region_file=None, error=None)
    return record | {'time': '2030-01-01 12:00:00'} | more


def edit_line(out: Path, stem: str, word: str, index: int, image: np.ndarray, label: np.ndarray) -> dict:
    """Paint, measure, judge and save one edit; its line."""
    rng = np.random.default_rng([index, len(word)])
    fault = {3: 'erased', 7: 'seam' if word == 'rust' else ''}.get(index % 10, '')
    edited = painted(rng, image, label, word, fault)
    scores = measure(image, edited, label, label)
    failed = judge(scores, SETTINGS.gates)
    folder = f'quarantine/{failed[0]}' if failed else 'img_dir/train'
    labels = f'{folder}/ann_dir' if failed else 'ann_dir/train'
    files = dict(image=f'{folder}/{stem}__{word}.png', label=f'{labels}/{stem}__{word}.png')
    save(edited.image, out / files['image'])
    save(label, out / files['label'])
    attempts = (
        [{'change': 'guidance 7.5', 'why': failed[0]}, {'change': 'equalizer 1.5', 'why': failed[0]}]
        if failed
        else []
    )
    return line_of(
        stem,
        word,
        'rejected' if failed else 'ok',
        reason=failed[0] if failed else None,
        output=files,
        prompts={'source': SETTINGS.source_prompt, 'target': edited.target_prompt},
        windows=[[w.top, w.left, w.height, w.width] for w in edited.windows],
        scores={name: value if np.isfinite(value) else None for name, value in scores.items()},
        failed_gates=failed,
        attempts=attempts,
        seconds=float(rng.uniform(11, 16)),
        peak_gib=21.4,
        needs_review=index % 9 == 1,
    )


def make_fake_edits(out: Path, photographs: int = 30) -> Path:
    """Write pictures, labels, meta.json, run.json and manifest.jsonl under ``out`` and return it."""
    lines = []
    for index in range(photographs):
        stem = f'tile_{index:03d}'
        image, label = photograph(np.random.default_rng(index))
        if index % 10 == 9:
            lines += [line_of(stem, word, 'skipped', reason='no defect is labelled') for word in WORDS]
            continue
        save(image, out / f'img_dir/train/{stem}.png')
        save(label, out / f'ann_dir/train/{stem}.png')
        if index % 10 == 5:
            error = 'OutOfMemoryError: the GPU has no memory left\n  at up_blocks.0'
            lines += [line_of(stem, word, 'failed', error=error) for word in WORDS]
            continue
        lines += [edit_line(out, stem, word, index, image, label) for word in WORDS]
    run = {
        'settings': asdict(SETTINGS),
        'settings_hash': '0f3a',
        'model': {
            'name': 'stabilityai/stable-diffusion-xl-base-1.0',
            'revision': '462165984030',
            'dtype': 'bfloat16',
        },
        'source': {'name': 'tiles', 'classes': META['classes']},
        'words': list(WORDS),
        'stems': [f'tile_{index:03d}' for index in range(photographs)],
        'started': '2030-01-01 12:00:00',
    }
    (out / 'run.json').write_text(json.dumps(run))
    (out / 'meta.json').write_text(json.dumps(META))
    (out / 'manifest.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return out
