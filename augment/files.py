"""Write files so that a crash leaves either the old content or the new, never half of it."""

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well, flush it to disk and rename it there.

    The temporary name is hidden, is one process's own, and keeps the suffix, by which image writers choose the
    format.
    """
    path = Path(path)
    partial = path.with_name(f'.{path.stem}.{os.getpid()}.partial{path.suffix}')
    try:
        yield partial
        with partial.open('rb') as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Replace ``path`` by ``text`` (UTF-8), whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding='utf-8')


def null_for_nan(value: Any) -> Any:
    """Copy of a nested structure with NaN and infinities as None, which JSON can hold."""
    if isinstance(value, dict):
        return {str(key): null_for_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [null_for_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Replace ``path`` by ``content`` as readable JSON, NaN and infinities as null."""
    write_text(path, json.dumps(null_for_nan(content), indent=2, ensure_ascii=False) + '\n')


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
