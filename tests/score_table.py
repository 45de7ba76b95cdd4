"""Tables of scores of made-up runs, for the tests of what stands in them."""

from fake_project import draw_confusions, write_plan, write_run

from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.reports.comparison.tables import score_tables

KEYS = ('IoU.attached', 'Acc.attached', 'IoU.broken', 'Acc.broken', 'mIoU_fg', 'mAcc_fg')
BASE, BETTER, SAME, WORSE = 0.5, 0.75, 0.503, 0.25


def runs(recall, seeds=3, images=30, first=0):
    """Pixels of some trainings that find about this share of the defects."""
    return [draw_confusions(images, recall, seed=first + int(1e4 * recall) + seed) for seed in range(seeds)]


def tables(tmp_path, rows, marks='change', changes=None, planned=3):
    """The tables of a plan; ``rows`` has the confusions of each run, ``changes`` other values in its results."""
    plan = {}
    for (model, group), confusions in rows.items():
        plan[model, group] = [f'exp/{model}/{group}/seed{seed}' for seed in range(planned)]
        for seed, each in enumerate(confusions):
            other = (changes or {}).get((model, group, seed), (changes or {}).get((model, group), {}))
            write_run(tmp_path / plan[model, group][seed], each, seed=seed, **other)
    write_plan(tmp_path, 'plan', plan, marks=marks)
    return score_tables(read_project(tmp_path).comparisons[0])


def table(*arguments, **options):
    (only,) = tables(*arguments, **options)
    return only


def row(score_table, group):
    return next(line for line in score_table.lines if line.group == group)


def notes(score_table):
    return '\n'.join(score_table.notes)
