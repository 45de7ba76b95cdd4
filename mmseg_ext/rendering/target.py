"""The folder that a rendered set goes to: what it holds now, and how the new set takes its place."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

from mmseg_ext.errors import UsageError
from mmseg_ext.files import replace_folder
from mmseg_ext.rendering.settings import RenderSettings, WordSettings

Kind = type[RenderSettings] | type[WordSettings]


def render_folder(
    out: Path, settings: RenderSettings | WordSettings, draw: Callable[[Path], dict]
) -> tuple[dict, bool]:
    """Let ``draw`` fill ``out``; return the meta.json that it gives, and whether the same set was there already.

    ``out`` may be absent, empty or an earlier set of this kind, which is replaced once the new one is complete.
    """
    out = out.resolve()  # of a link, the folder that it points to is replaced
    known = check_target(out, type(settings))
    if known and is_complete(out, known, settings):
        return known, True
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f'.{out.name}.partial-', dir=out.parent))
    try:
        partial.chmod(0o755)  # a temporary folder is private, a data set is not
        meta = draw(partial)
        replace_folder(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return meta, False


def check_target(out: Path, kind: Kind = RenderSettings) -> dict | None:
    """The meta.json of the rendered set of this ``kind`` in ``out``, None for nothing; an error for others."""
    if not out.exists():
        return None
    if not out.is_dir():
        raise UsageError(f'{out} is a file; give a folder that is new, empty or an earlier rendered set')
    found = {str(path.relative_to(out)) for path in out.rglob('*') if not path.is_dir()}
    if not found:
        return None
    meta = read_meta(out / 'meta.json', kind)
    own = set(kind.files(meta['renderer'])) | {'meta.json'} if meta else set()
    if foreign := sorted(found - own):
        raise UsageError(f'{out} holds files that are not of a rendered set, such as {foreign[0]}; '
                         'give a folder that is new, empty or an earlier rendered set')  # fmt: skip
    return meta


def read_meta(path: Path, kind: Kind) -> dict | None:
    """meta.json if the renderer of this ``kind`` wrote it, else None."""
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
        return meta if {'version', *(field.name for field in fields(kind))} <= set(meta['renderer']) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_complete(out: Path, meta: dict, settings: RenderSettings | WordSettings) -> bool:
    """True if ``out`` holds exactly what ``settings`` would draw, as far as meta.json and the file list tell."""
    wanted = json.loads(json.dumps(settings.header()))
    return all(meta.get(key) == value for key, value in wanted.items()) and all(
        (out / name).is_file() for name in settings.files(asdict(settings))
    )
