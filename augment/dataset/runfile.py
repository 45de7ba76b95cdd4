"""run.json: what a set of edits was made with, so that nobody adds edits made otherwise."""

import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augment.config.plain import differences, settings_dict, settings_hash
from augment.config.settings import EditSettings
from augment.dataset.locks import briefly
from augment.dataset.outset import RUN
from augment.dataset.source import Source
from augment.errors import UsageError
from augment.files import write_json

SAME = ('settings', 'model', 'source')  # what must not change while a set is made
FREE = ('dtype', 'device', 'versions', 'images', 'labels')  # of these, what may: another machine, another mount


def describe_run(
    settings: EditSettings, source: Source, model: dict[str, Any], words: Sequence[str], stems: Sequence[str]
) -> dict[str, Any]:
    """The content of run.json: settings, model, photographs, and the edits that are to be made."""
    labels = None if source.labels is None else str(source.labels.absolute())
    where = dict(name=source.name, images=str(source.images.absolute()), labels=labels, classes=[*source.classes])
    return {
        'settings': settings_dict(settings),
        'settings_hash': settings_hash(settings),
        'model': model,
        'source': where,
        'words': sorted(words),
        'stems': sorted(stems),
        'command': shlex.join(sys.argv),
        'started': time.strftime('%Y-%m-%d %H:%M:%S'),
    }


def read_run(root: Path) -> dict[str, Any]:
    """The run.json of a set; empty when there is none. Raises UsageError for one that is damaged."""
    path = root / RUN
    try:
        return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else {}
    except ValueError as error:
        raise UsageError(f'{path}: damaged ({error}); begin anew with --overwrite') from error


def check_same(root: Path, run: dict[str, Any], loaded: bool = True) -> None:
    """Raise UsageError with all differences when the set in ``root`` was made with other settings or photographs.

    Before the model is ``loaded``, only what is known of it then is compared.
    """
    before = read_run(root)
    if not before:
        return
    old, new = ({key: _fixed(each.get(key) or {}) for key in SAME} for each in (before, run))
    if not loaded:
        old['model'] = {name: value for name, value in old['model'].items() if name in new['model']}
    changed = differences(old, new)
    if changed:
        raise UsageError(
            f'{root}: made with other settings; use those, choose another --out, or begin anew with --overwrite:\n'
            + '\n'.join(f'  {line.removeprefix("settings.")}' for line in changed)
        )


def _fixed(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in FREE}


def save_run(root: Path, run: dict[str, Any]) -> None:
    """Write run.json, or add the words and photographs of ``run`` to the one that is there."""
    with briefly(root / '.run.lock'):
        check_same(root, run)
        before = read_run(root)
        whole = {**run, **{key: before[key] for key in ('command', 'started') if key in before}}
        for key in ('words', 'stems'):
            whole[key] = sorted({*before.get(key, ()), *run[key]})
        if whole != before:
            write_json(root / RUN, whole)
