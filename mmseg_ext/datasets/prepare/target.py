"""The folder that a prepared set goes to: built beside it under a hidden name, put in its place when complete."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmseg_ext.errors import UsageError
from mmseg_ext.files import folder_problem, replace_folder

OWN = {'img_dir', 'ann_dir', 'index.csv', 'meta.json'}  # what a prepared set consists of


def check_target(out: Path, sources: list[Path], overwrite: bool) -> None:
    """Refuse, before any work, an ``out`` that cannot or must not be written.

    Raises:
        UsageError: it is not empty without ``overwrite``, holds what is no data set, or lies around a source.
    """
    if problem := folder_problem(out):
        raise UsageError(problem)
    for source in sources:
        if out.resolve() in (source.resolve(), *source.resolve().parents):
            raise UsageError(f'--out {out} holds the download {source}; give a folder beside it')
    found = {path.name for path in out.glob('*')} if out.is_dir() else set()
    if found and not overwrite:
        raise UsageError(f'{out} is not empty; give another --out, or --overwrite to replace it')
    if foreign := sorted(found - OWN):
        raise UsageError(f'{out} holds more than a data set, such as {foreign[0]}; give another --out')


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` to build in; it takes the place of ``out`` when the block ends well."""
    out = out.resolve()  # of a link, the folder that it points to is replaced
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{out.name}.partial-', dir=out.parent))
    try:
        partial.chmod(0o755)  # a temporary folder is private, a data set is not
        yield partial
        replace_folder(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
