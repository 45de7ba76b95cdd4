"""A prepared set as a person reads it: counts, what was left out and why, what to do next."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from mmseg_ext.datasets.checkup import SetReport
from mmseg_ext.datasets.prepare.pipeline import Prepared
from mmseg_ext.datasets.problems import Problem, group, one_line
from mmseg_ext.datasets.report import class_table

BASE = """_base_ = './_loaders.py'
num_classes = {count}
metainfo = dict(classes={classes})
dataset = dict(type='CheckedSegDataset', data_root='{root}', metainfo=metainfo)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del metainfo, dataset"""


def data_root() -> Path:
    """Where the configs look for data sets."""
    return Path(os.environ.get('MMSEG_EXT_DATA', 'data'))


def print_prepared(prepared: Prepared, base: str | None, console: Console) -> None:
    """Table, groups, findings, next commands. ``base``: the data-set base in configs/ that fits, if any."""
    out = prepared.options.out
    console.print(class_table(SetReport(out.name, prepared.classes, prepared.splits, [], [])))
    groups = ', '.join(f'{part} {count}' for part, count in prepared.groups.items())
    _say(console, f'groups of pictures that show one object: {groups}')
    _print_findings(f'Left out: {len(prepared.left_out)}', prepared.left_out, console)
    _print_findings('Worth knowing', prepared.notes, console)
    _say(console, f'\nimages {out}/img_dir, masks {out}/ann_dir, origins {out}/index.csv, facts {out}/meta.json')
    _say(console, f'next:  python tools/check_dataset.py {out}')
    for line in how_to_train(prepared, base):
        _say(console, line)


def how_to_train(prepared: Prepared, base: str | None) -> list[str]:
    """The swap that trains on the set; for a set without a base, the base to save."""
    out = prepared.options.out
    if not base:
        lines = BASE.format(count=len(prepared.classes), classes=list(prepared.classes), root=out)
        name = f'configs/_base_/datasets/{out.name}.py'
        swap = f'train:  a recipe with --swap datasets={out.name}, once {name} holds'
        return [swap, *(f'  {line}' for line in lines.splitlines())]
    where = '' if out == data_root() / base else f', after moving {out} to {data_root() / base}'
    return [f'train: a recipe with --swap datasets={base}{where}']


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _print_findings(title: str, findings: Sequence[Problem], console: Console) -> None:
    if findings:
        console.print(f'[yellow]{title}')
    for kind in group(findings):
        _say(console, f'  • {one_line(kind)}')
