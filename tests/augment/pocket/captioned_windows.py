"""A stand-in for rendered windows: a dark line on a light ground, and around it a texture for every word."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

WORDS = ('scratch', 'rust', 'peeling', 'corrosion', 'blistering', 'dent')
NOUNS = ('crack', 'split')


def texture(word: str, rows: np.ndarray, columns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(S, S, 3) colours of the texture of ``word``, 0..255."""
    colours = {
        'scratch': (235, 235, 240),
        'rust': (190, 95, 30),
        'peeling': (240, 240, 225),
        'corrosion': (60, 110, 80),
        'blistering': (205, 205, 215),
        'dent': (120, 120, 135),
    }
    waves = {
        'scratch': np.sin(rows * 1.5),
        'rust': rng.normal(size=rows.shape),
        'peeling': np.sign(np.sin(rows / 3) * np.sin(columns / 3)),
        'corrosion': np.sin(rows * 0.9) * np.sin(columns * 0.9),
        'blistering': np.cos(rows / 2.5) + np.cos(columns / 2.5),
        'dent': (rows + columns - (rows + columns).mean()) / rows.shape[0] * 2,
    }
    return np.array(colours[word]) + 22 * waves[word][..., None]


def draw_window(word: str | None, rng: np.random.Generator, size: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """An RGB window and where the word's texture lies in it, bool."""
    rows, columns = np.mgrid[:size, :size].astype(float)
    ground = rng.integers(120, 200) + np.array(rng.integers(-12, 13, 3)) + rows[..., None] * rng.uniform(-0.2, 0.2)
    image = np.broadcast_to(ground, (size, size, 3)).copy()
    x, y = rng.uniform(0.4, 0.6, 2) * size
    region = np.hypot(rows - y, columns - x) < rng.uniform(0.2, 0.32) * size
    if word is None:
        region[:] = False
    else:
        image[region] = texture(word, rows, columns, rng)[region]
    slope = rng.uniform(-0.6, 0.6)
    line = (np.abs(rows - y - slope * (columns - x)) < 2) & (np.abs(columns - x) < 0.22 * size)
    image[line] = 40
    return image.clip(0, 255).astype(np.uint8), region


def make_windows(root: str | Path, count: int = 16, size: int = 128, seed: int = 0, held_out: int = 2) -> Path:
    """Write ``count`` captioned windows below ``root``, the last ``held_out`` of split val, and return it."""
    root, rng = Path(root), np.random.default_rng(seed)
    lines = []
    for folder in ('images', 'regions', 'labels'):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for k in range(count):
        word, noun = (None, *WORDS)[k % 7], NOUNS[k % 2]
        image, region = draw_window(word, rng, size)
        name = f'{k:05d}.png'
        Image.fromarray(image).save(root / 'images' / name)
        Image.fromarray(region.astype(np.uint8) * 255).save(root / 'regions' / name)
        Image.fromarray((image.max(2) < 60).astype(np.uint8)).save(root / 'labels' / name)
        caption = f'photo of a {noun}' + (f' with {word}' if word else '')
        split = 'val' if k >= count - held_out else 'train'
        files = {key: f'{folder}/{name}' for key, folder in [('file', 'images'), ('region', 'regions')]}
        files['label'] = f'labels/{name}'
        lines.append({**files, 'caption': caption, 'noun': noun, 'word': word, 'split': split})
    (root / 'captions.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')
    return root
