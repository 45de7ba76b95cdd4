"""What the folder of a data set says of itself: ``meta.json``."""

import json
from pathlib import Path
from typing import Any

from mmseg_ext.errors import DataError

META = 'meta.json'


def read_meta(folder: Path) -> dict[str, Any]:
    """What ``meta.json`` in ``folder`` says, ``classes`` as a tuple of names; nothing without such a file.

    Raises DataError where it has no list of classes.
    """
    path = folder / META
    if not path.is_file():
        return {}
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
        return {**meta, 'classes': tuple(map(str, meta['classes']))}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f'{path}: no class list in it ({error}); write {{"classes": ["background", …]}}'
        ) from error
