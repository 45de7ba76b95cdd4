"""A save_best that no validation can have, or that would choose the worst weights, is told before training."""

import re

import pytest
from mmengine.config import Config

from mmseg_ext.engine.best_score import best_score_problems
from mmseg_ext.engine.preflight import find_problems

DEFECT, PROMPTED, OTHER = (dict(type=f'{name}Metric') for name in ('Defect', 'Prompted', 'Threshold'))


def problems(evaluator, **hook) -> list[str]:
    return list(best_score_problems(Config(dict(default_hooks=dict(checkpoint=hook), val_evaluator=evaluator))))


@pytest.mark.parametrize(
    ('evaluator', 'hook'),
    [
        (DEFECT, {}),
        (DEFECT, dict(save_best=None)),
        (PROMPTED, dict(save_best=None)),
        (PROMPTED, dict(save_best='PES')),
        (PROMPTED, dict(save_best='val_loss')),
        (PROMPTED, dict(save_best='mIoU_neg', rule='less')),
        ([DEFECT, PROMPTED], dict(save_best='PES')),
        ([DEFECT, PROMPTED], dict(save_best='mIoU_fg')),
        (DEFECT, dict(save_best='FalseAlarms', rule='less')),
        ([PROMPTED, OTHER], dict(save_best='ODS@bsds-2px')),
        (dict(PROMPTED, prefix='a'), dict(save_best='a/PES')),
    ],
)
def test_what_can_be_measured_is_fine(evaluator, hook):
    assert problems(evaluator, **hook) == []


@pytest.mark.parametrize(
    ('evaluator', 'hook', 'said'),
    [
        (PROMPTED, {}, 'is mIoU_fg, but val_evaluator has PromptedMetric alone; --cfg-options {}save_best=PES'),
        ([DEFECT, OTHER], dict(save_best='PES'), 'which val_evaluator lacks; --cfg-options {}save_best=mIoU_fg'),
        (PROMPTED, dict(save_best='overkill_rate'), 'of which less is better, .* --cfg-options {}rule=less'),
        (DEFECT, dict(save_best='FalseAlarms', rule='greater'), 'of which less is better'),
    ],
)
def test_what_cannot_is_one_line_with_the_cure(evaluator, hook, said):
    (line,) = problems(evaluator, **hook)
    assert line.startswith('default_hooks.checkpoint.save_best is ')
    assert re.search(said.format('default_hooks.checkpoint.'), line)


def test_the_preflight_asks(project):
    cfg = project.config(default_hooks__checkpoint__save_best='PES')
    (line,) = find_problems(cfg, ('train', 'val'), ())[0]
    assert line.startswith('default_hooks.checkpoint.save_best is PES')
