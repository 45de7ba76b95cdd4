"""Tiny downloads, each in the shape of the real one: same folders, names, formats and oddities."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

SIZE = (20, 24)  # height, width
KINDS = ('front', 'impurities', 'mouse_bite', 'open_circuit', 'Porosity', 'RCS')
KINDS += ('short', 'spur', 'spurious_copper', 'thunderbolt', 'torn_apart')


def noise(seed: int, size: tuple[int, int] = SIZE, channels: int | None = 3) -> np.ndarray:
    """A picture like no other."""
    shape = size if channels is None else (*size, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, array: np.ndarray, **options) -> Path:
    """Write a picture and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


def spot(seed: int, size: tuple[int, int] = SIZE, value: int = 255) -> np.ndarray:
    """A mask of 0 with a rectangle of ``value``."""
    mask = np.zeros(size, np.uint8)
    row, column = np.random.default_rng(seed).integers(2, 10, 2)
    mask[row : row + 5, column : column + 6] = value
    return mask


def soft_spot(seed: int) -> np.ndarray:
    """A spot whose edge falls from 255 through 128 and 127 to 0."""
    mask = spot(seed)
    rows, columns = np.nonzero(mask)
    mask[rows.min(), columns.min() :][:3] = (128, 127, 1)
    return mask


def magnetic_tile(root: Path, tiles: int = 4, exposures: int = 3) -> Path:
    """``tiles`` of each class, their running numbers 1000 apart, those of exposures 40; one empty MT_Uneven."""
    for place, kind in enumerate(('Blowhole', 'Break', 'Crack', 'Fray', 'Uneven', 'Free')):
        folder = root / 'Magnetic-tile-defect-datasets.-master' / f'MT_{kind}' / 'Imgs'
        for tile in range(tiles):
            for exposure in range(1, exposures + 1):
                number = 1000 * (1 + place * tiles + tile) + 40 * exposure
                stem = f'exp{exposure}_num_{number}'
                save(folder / f'{stem}.jpg', noise(number, channels=None))
                save(folder / f'{stem}.png', soft_spot(number) * (kind != 'Free'))
    save(root / 'Magnetic-tile-defect-datasets.-master/MT_Uneven/Imgs/exp1_num_90000.jpg', noise(1))
    save(root / 'Magnetic-tile-defect-datasets.-master/MT_Uneven/Imgs/exp1_num_90000.png', spot(1) * 0)
    return root


def crackforest(root: Path, count: int = 8) -> Path:
    """``count`` annotated pictures of 96 x 128, of which 001 and 002 overlap; a further one has no annotation."""
    wide = np.kron(noise(0, (60, 80), None), np.ones((3, 3), np.uint8))
    for number in range(1, count + 2):
        picture = {1: wide[:96, :128], 2: wide[20:116, 30:158]}.get(number, noise(number, (96, 128), None))
        save(root / 'image' / f'{number:03d}.jpg', np.stack([picture] * 3, -1), quality=95)
    (root / 'groundTruth').mkdir()
    for number in range(1, count + 1):
        content = {'Segmentation': segmentation(number), 'Boundaries': np.zeros((96, 128))}
        savemat(root / 'groundTruth' / f'{number:03d}.mat', {'groundTruth': content})
    return root


def segmentation(number: int) -> np.ndarray:
    """1 road, 2 crack around 3 enclosed road, 4 a thin crack."""
    values = np.ones((96, 128), np.uint16)
    values[20:40, 20 : 40 + number] = 2
    values[24:36, 24 : 36 + number] = 3
    values[60, 10:50] = 4
    return values


def crack500(root: Path) -> Path:
    """Regions as listed; the photograph b has one in train and one in test; one listed file is missing."""
    regions = {'train': ['a_1_1', 'a_641_1', 'b_1_361'], 'val': ['c_1_1'], 'test': ['b_641_361', 'd_1_1']}
    for split, names in regions.items():
        lines = []
        for index, name in enumerate(names):
            stem = f'20160222_{name}'
            save(root / f'{split}crop' / f'{split}crop' / f'{stem}.jpg', noise(hash_of(stem)))
            save(root / f'{split}crop' / f'{split}crop' / f'{stem}.png', spot(index))
            lines.append(f'{split}crop/{stem}.jpg {split}crop/{stem}.png')
        (root / f'{split}.txt').write_text('\n'.join(lines) + '\n')
    with (root / 'train.txt').open('a') as file:
        file.write('traincrop/20160222_e_1_1.jpg traincrop/20160222_e_1_1.png\n\n')
    return root


def hash_of(text: str) -> int:
    """A number for a text, the same in every process."""
    return zlib.crc32(text.encode())


def curves(root: Path, suffix: str = '.jpg', count: int = 6, surface: bool = False) -> Path:
    """Images and .bmp masks under names that differ in case and ending; with ``surface`` a mask of the stone."""
    for index in range(count):
        image = f'DSCN{6000 + index}{suffix.upper() if index % 2 else suffix}'
        save(root / 'images' / image, noise(index))
        save(root / 'GT' / f'dscn{6000 + index}_GT.bmp', spot(index))
        if surface:
            inside = np.full(SIZE, 255, np.uint8)
            inside[:, 12:] = 0
            save(root / 'Stone mask' / f'DSCN{6000 + index}.bmp', inside)
    return root


def deepcrack(root: Path, train: int = 10, test: int = 4) -> Path:
    """The two official parts, one folder down."""
    for part, count in (('train', train), ('test', test)):
        for index in range(count):
            save(root / 'DeepCrack' / f'{part}_img' / f'{part}{index}.jpg', noise(hash_of(f'{part}{index}')))
            save(root / 'DeepCrack' / f'{part}_lab' / f'{part}{index}.png', spot(index))
    return root


def camvid(root: Path, frames: Sequence[tuple[str, str]] = ()) -> Path:
    """Frames of all values 0..11; the sequence 0001TP is in train and in test."""
    names = [('train', '0001TP_006690'), ('train', '0006R0_f00930'), ('val', '0016E5_07959'), ('test', '0001TP_8')]
    for split, name in frames or names:
        save(root / 'CamVid' / split / f'{name}.png', noise(hash_of(name)))
        save(
            root / 'CamVid' / f'{split}annot' / f'{name}.png', (np.arange(480) % 12).astype(np.uint8).reshape(SIZE)
        )
    return root


def seggpt(root: Path, kinds: Sequence[str] = KINDS, count: int = 6) -> Path:
    """``count`` training pictures a kind and one in val; labels are JPEG, so not only 0 and 255."""
    for place, kind in enumerate(kinds):
        for index in range(count + 1):
            folder = root / 'train_dataset' / ('val' if index == count else 'train')
            name = f'{kind}_{37 * index:06d}.jpg'
            save(folder / 'images' / name, noise(100 * place + index))
            save(folder / 'labels' / name, spot(index), quality=75)
    return root
