"""From files, folders and patterns on a command line to images, each with a name of its own."""

import glob
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmseg_ext.datasets.pairs import IMAGE_SUFFIXES
from mmseg_ext.errors import UsageError, listed


class NamedImage(NamedTuple):
    """``name`` is the path without suffix that its outputs get below their folders, such as ``left/0001``."""

    path: Path
    name: str


def find_images(arguments: Sequence[str], out: str | Path) -> list[NamedImage]:
    """All images that the arguments name: files, folders (searched to the bottom) and patterns (``a/**/*.jpg``).

    Names are relative to the folder that all arguments have in common, so images of one stem from different
    folders stay apart; two that differ in their suffix alone keep it. What lies below ``out`` is not searched.
    Raises UsageError with a line for every argument that names no image.
    """
    found, roots, problems = {}, [], []
    for argument in arguments:
        files, root, problem = _expand(argument, Path(out).absolute())
        found.update({os.path.abspath(file): file for file in files})  # noqa: PTH100 (links are not followed)
        roots += [root] if files else []
        problems += [problem] if problem else []
    if problems:
        raise UsageError(listed(problems))
    common = os.path.commonpath([root.absolute() for root in roots])
    names = _distinct([Path(os.path.relpath(absolute, common)) for absolute in found])
    return [NamedImage(file, name) for file, name in zip(found.values(), names, strict=True)]


def _expand(argument: str, out: Path) -> tuple[list[Path], Path, str | None]:
    """The files of one argument, the folder they are named from, and what is wrong with it."""
    path = Path(argument).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.rglob('*') if _is_image(file, path, out))
        return files, path, None if files else f'{path}: no image in it ({" ".join(IMAGE_SUFFIXES)})'
    if path.is_file():
        return [path], path.parent, None
    matches = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 (absolute too)
    files = [file for file in matches if _is_image(file, path.parent, out)]
    if files:
        return files, Path(os.path.commonpath([file.parent.absolute() for file in files])), None
    what = 'no image matches' if glob.has_magic(str(path)) else 'no such image or folder'
    return [], path.parent, f'{argument}: {what}; correct the path'


def _is_image(file: Path, root: Path, out: Path) -> bool:
    hidden = any(part.startswith('.') for part in file.parts[len(root.parts) :])
    return (
        file.suffix.lower() in IMAGE_SUFFIXES
        and not hidden
        and file.is_file()
        and out not in file.absolute().parents
    )


def _distinct(paths: list[Path]) -> list[str]:
    """Names without suffix where that leaves them different, with it where it does not."""
    full = [path.as_posix() for path in paths]
    short = [path.with_suffix('').as_posix() for path in paths]
    names = [_longer(one, other, Counter(short)) for one, other in zip(short, full, strict=True)]
    return names if len(set(names)) == len(names) else full


def _longer(short: str, full: str, counts: Counter) -> str:
    return full if counts[short] > 1 else short
