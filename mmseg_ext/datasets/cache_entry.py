"""One file of the cache: a few named arrays and the state of the file that they were made from.

    8 bytes  'arrays1\\n'
    8 bytes  length and CRC-32 of the header, little endian
    header   JSON: source (see ``source_state``), arrays {name: [dtype, shape, offset]}, bytes of the whole file
    arrays   each from a multiple of 64 bytes on

Written by appending, so that a file that a power cut has shortened is recognised by its length.
"""

import json
import mmap
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

MAGIC = b'arrays1\n'
PREFIX = struct.Struct('<8sII')
FIRST_READ = 4096  # bytes, which hold the header of nearly every entry
ALIGN = 64

Arrays = dict[str, np.ndarray]


def source_state(source: str | Path) -> list[Any]:
    """What an entry must agree with: absolute path, size and times of the source, and the decoder.

    The time of the last change of the inode tells a file that was rewritten under its old modification time.
    Raises OSError when there is no such file.
    """
    path = Path(source).absolute()
    stat = path.stat()
    return [str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, f'cv2 {cv2.__version__}']


def layout(state: list[Any], arrays: Arrays) -> tuple[bytes, dict[str, int], int]:
    """Everything before the arrays, the offset of each, and the length of the file in bytes."""
    longest = 2**60  # stands in for numbers that depend on the length of the header itself
    named = {name: [array.dtype.str, array.shape, longest] for name, array in arrays.items()}
    header = dict(source=state, arrays=named, bytes=longest)
    offset = _aligned(PREFIX.size + len(json.dumps(header)))
    offsets = {}
    for name, array in arrays.items():
        offsets[name] = named[name][2] = offset
        offset = _aligned(offset + array.nbytes)
    header['bytes'] = offset
    text = json.dumps(header).encode()
    return PREFIX.pack(MAGIC, len(text), zlib.crc32(text)) + text, offsets, offset


def write_entry(file: BinaryIO, state: list[Any], arrays: Arrays) -> None:
    """Append header and arrays to an empty file."""
    head, offsets, length = layout(state, arrays)
    file.write(head)
    for name, array in arrays.items():
        file.write(bytes(offsets[name] - file.tell()))
        file.write(np.ascontiguousarray(array).data if array.size else b'')
    file.write(bytes(length - file.tell()))


def read_source(path: Path) -> list[Any] | None:
    """The state of the source as the entry knows it; None if the file is no sound entry."""
    with path.open('rb', buffering=0) as file:
        header = _read_header(file)
    return header and header['source']


def read_entry(path: Path, state: list[Any]) -> Arrays | None:
    """The arrays, mapped and not read; None if there is no sound entry for this state of the source.

    They may be written to: pages that are changed become private copies, the file stays as it is.
    """
    try:
        with path.open('rb', buffering=0) as file:
            header = _read_header(file)
            if header is None or header['source'] != state:
                return None
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError):
        return None
    return {
        name: np.frombuffer(memory, dtype, int(np.prod(shape)), offset).reshape(shape)
        for name, (dtype, shape, offset) in header['arrays'].items()
    }


def _read_header(file: BinaryIO) -> dict[str, Any] | None:
    """The checked header of an open entry; None when the file is damaged or of another kind."""
    head = file.read(FIRST_READ)
    if len(head) < PREFIX.size:
        return None
    magic, length, checksum = PREFIX.unpack_from(head)
    if magic != MAGIC:
        return None
    text = head[PREFIX.size : PREFIX.size + length]
    text += file.read(length - len(text)) if len(text) < length else b''
    if zlib.crc32(text) != checksum:
        return None
    header = json.loads(text)
    return header if os.fstat(file.fileno()).st_size == header['bytes'] else None


def _aligned(offset: int) -> int:
    return -(-offset // ALIGN) * ALIGN
