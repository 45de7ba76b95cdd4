"""What one image and its mask look like on disk, and what is wrong with them.

Pillow decodes, since it refuses a truncated file where other decoders may return a half-grey picture.
"""

import os
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image

from mmseg_ext.datasets.pairs import Pair
from mmseg_ext.datasets.problems import Problem

UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
INDEX_MODES = ('1', 'L', 'P', 'I;16', 'I;16B', 'I')  # one channel of integers
TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange height and width


@dataclass
class Reading:
    """One pair as found. ``histogram`` (256,) counts the mask's values; None if it was not decoded or cannot be.

    ``notes`` are oddities that training survives, ``problems`` those it does not, or not as meant.
    """

    pair: Pair
    decoded: bool = True
    histogram: np.ndarray | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Header:
    """``size`` = (height, width) as a loader sees it: an image is turned as its EXIF tag says, a mask is not."""

    size: tuple[int, int]
    turned: bool
    mode: str
    format: str
    bits: int


def read_pair(pair: Pair, decode: bool = True) -> Reading:
    """Open image and mask, compare their headers and, with ``decode``, read all of them; bad data never raises."""
    reading = Reading(pair, bool(decode))
    image = _read(pair.image, decode, reading)
    if image:
        _judge_image(pair.image, image, reading)
    mask = _read(pair.mask, decode, reading, is_mask=True) if pair.mask else None
    if mask:
        _judge_mask(pair.mask, mask, reading)
    if image and mask and image.size != mask.size:
        reading.problems.append(_size_problem(pair.mask, image, mask))
    return reading


def _read(path: str, decode: bool, reading: Reading, is_mask: bool = False) -> Header | None:
    """The header of one file; an unreadable one becomes a problem. A decoded mask leaves its histogram."""
    try:
        with Image.open(path) as image:
            header = _header(image, is_mask)
            if decode:
                image.load()
            if decode and is_mask and header.mode in INDEX_MODES:
                reading.histogram = _histogram(image, path, reading)
            return header
    except UNREADABLE as error:
        what = _why_unreadable(path, error)
        reading.problems.append(Problem(path, what, 'restore the file from its source, or remove the pair'))
        return None


def _why_unreadable(path: str, error: Exception) -> str:
    if os.path.isfile(path) and os.path.getsize(path) == 0:  # noqa: PTH113, PTH202 (paths are strings here)
        return 'an empty file (0 bytes)'
    if isinstance(error, Image.UnidentifiedImageError):
        return 'not an image, or its header is damaged'
    return f'cannot be decoded ({error})'


def _header(image: Image.Image, is_mask: bool) -> Header:
    width, height = image.size
    # Not image.getexif(): for PNG that decodes the whole picture in search of a tag behind it.
    turned = not is_mask and Image.Image.getexif(image).get(ExifTags.Base.Orientation) in TURNED
    size = (width, height) if turned else (height, width)
    return Header(size, turned, image.mode, image.format or '', _bits(image))


def _bits(image: Image.Image) -> int:
    """Bits a channel. Pillow hides them for colour: a 16-bit RGB file opens as mode RGB."""
    if image.mode in ('I', 'F'):
        return 32
    raw_mode = str(image.tile[0].args) if image.tile else ''
    return 16 if ';16' in image.mode or ';16' in raw_mode else 8


def _judge_image(path: str, header: Header, reading: Reading) -> None:
    if header.bits > 8:
        cure = 'convert it to 8 bits: training keeps the high byte only, which turns 10- and 12-bit pictures black'
        reading.problems.append(Problem(path, f'a {header.bits}-bit image', cure))
    elif header.mode in ('1', 'L', 'LA'):
        reading.notes.append(Problem(path, 'a grey image', 'nothing to do: it is read as three equal channels'))
    if header.mode in ('LA', 'PA', 'RGBA'):
        reading.notes.append(Problem(path, 'an alpha channel', 'nothing to do if it is not needed: it is dropped'))


def _judge_mask(path: str, header: Header, reading: Reading) -> None:
    if header.format == 'JPEG':
        cure = 'export the masks again, as PNG: JPEG smears the class values at every edge'
        reading.problems.append(Problem(path, 'a JPEG mask', cure))
    if header.mode not in INDEX_MODES:
        what = f'a mask of several channels or of fractions (mode {header.mode})'
        cure = "save one 8-bit channel of class indices: one of three equal channels, or each colour's class"
        reading.problems.append(Problem(path, what, cure))


def _histogram(image: Image.Image, path: str, reading: Reading) -> np.ndarray | None:
    """How often each value 0..255 occurs, (256,) int64."""
    if image.mode in ('L', 'P'):
        return np.array(image.histogram()[:256])
    values = np.asarray(image).astype(np.int64)
    if values.size and not 0 <= values.min() <= values.max() <= 255:
        what = f'a {_bits(image)}-bit mask with values {values.min()}..{values.max()}'
        cure = 'save class indices in 8 bits: training keeps the low byte only'
        reading.problems.append(Problem(path, what, cure))
        return None
    return np.bincount(values.ravel(), minlength=256)


def _size_problem(path: str, image: Header, mask: Header) -> Problem:
    what = f'{_text(mask.size)} pixels (height × width), but its image is {_text(image.size)}'
    if mask.size != image.size[::-1]:
        return Problem(path, what, 'image and mask must be the same picture: export one of them again')
    if image.turned:
        return Problem(path, what, 'the image is turned by its EXIF tag: save it upright without the tag')
    return Problem(path, f'{what}: transposed', 'turn one of the two; look at which is upright')


def _text(size: tuple[int, int]) -> str:
    return f'{size[0]}×{size[1]}'
