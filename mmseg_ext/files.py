"""Write files and folders so that a crash leaves either the old content or the new, never half of it."""

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmseg_ext.errors import UsageError

POINTER = b'version https://git-lfs'  # how the few lines begin that Git LFS keeps in place of a large file


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well, flush it to disk and rename it there.

    The temporary name is hidden, keeps the suffix, by which image writers choose the format, and is one process's
    own: several may write one file, such as the image that pads the last batch.
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


def remove_partials(folder: str | Path) -> None:
    """Delete the temporary files that a killed process left below ``folder``."""
    for file in Path(folder).rglob('.*.partial*'):
        file.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Replace ``path`` by ``text`` (UTF-8), whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding='utf-8')


def replace_folder(partial: Path, out: Path) -> None:
    """Put the finished folder in the place of ``out``; an older one steps aside first and is removed last."""
    if not out.exists():
        partial.rename(out)
        return
    old = partial.with_name(partial.name + '.old')
    out.rename(old)
    try:
        partial.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old)


def null_for_nan(value: Any) -> Any:
    """Copy of a nested structure with NaN and infinities as None, which JSON can hold."""
    if isinstance(value, dict):
        return {str(key): null_for_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [null_for_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: str | Path, content: dict) -> None:
    """Replace ``path`` by ``content`` as readable JSON, NaN as null."""
    write_text(path, json.dumps(null_for_nan(content), indent=2, ensure_ascii=False) + '\n')


def read_json(path: str | Path) -> dict[str, Any] | None:
    """The content of a JSON file, None when there is no such file; UsageError when it is none, or damaged."""
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else None
    except ValueError as error:
        raise UsageError(f'{path}: no JSON, or damaged ({error}); delete it, or put it in order') from error


def writable_folder(path: str | Path) -> Path:
    """Make the folder and prove that it can be written to; UsageError with the reason otherwise."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise UsageError(f'{path}: cannot write there ({error.strerror}); choose another folder') from error
    return path


def folder_problem(path: str | Path) -> str | None:
    """Why ``writable_folder`` would fail, or None; nothing is made."""
    path = Path(path).absolute()
    existing = next(parent for parent in (path, *path.parents) if parent.exists())
    if not existing.is_dir():
        return f'{path}: cannot become a folder, {existing} is a file; choose another folder'
    if not os.access(existing, os.W_OK):
        return f'{path}: no permission to write in {existing}; choose another folder'
    return None


def refuse_pointer(path: Path) -> None:
    """UsageError when ``path`` is the pointer of Git LFS to a file that has not been fetched."""
    with path.open('rb') as file:
        if file.read(len(POINTER)) == POINTER:
            raise UsageError(
                f'{path}: a pointer of Git LFS ({path.stat().st_size} bytes), not the file itself; download it '
                'again with /resolve/ in the address instead of /raw/, or run git lfs pull'
            )
