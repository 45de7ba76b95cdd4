"""What a run would do, without doing it: every photograph and label is read and checked."""

from collections import Counter

from rich.console import Console
from rich.progress import track

from augment.dataset.manifest import read_records
from augment.dataset.outset import edit_id
from augment.dataset.photographs import Shot
from augment.dataset.reading import has_defect
from augment.errors import DataError
from augment.job.plan import Plan
from augment.job.records import is_done

UNREADABLE = 3  # the exit code when a photograph or a label cannot be used


def show_preview(plan: Plan) -> int:
    """Print what would be done; 0, or 3 when a photograph or a label cannot be used."""
    console = Console(stderr=True)
    shots = [Shot(item) for item in plan.own_items]
    shown = track(shots, 'checking', console=console, transient=True, disable=not console.is_terminal)
    ends = Counter(_end_of(shot, plan) for shot in shown)
    print(f'{len(shots)} photographs: {ends["defect"]} to edit, {ends["none"]} without a defect')
    for root, words in plan.sets.items():
        records = read_records(root)
        ids = [(shot, edit_id(shot.item.stem, word)) for shot in shots for word in words]
        done = sum(is_done(records.get(name), shot, root) for shot, name in ids)
        print(f'{root}: {", ".join(words)}; {len(ids)} edits, {done} of them done')
    print('nothing was written')
    return UNREADABLE if ends['unusable'] else 0


def _end_of(shot: Shot, plan: Plan) -> str:
    """``defect``, ``none`` or, with a line that says why, ``unusable``; the pixels are not kept."""
    try:
        shot.read(plan.source.labels is not None, plan.source.classes)
        return 'defect' if shot.label is None or has_defect(shot.label) else 'none'
    except DataError as error:
        print(f'unusable: {error}')
        return 'unusable'
    finally:
        shot.image = shot.label = None
