"""Whether the score that is to choose the best weights will be measured, and which way of it is better."""

from collections.abc import Iterator

from mmengine.config import Config

from mmseg_ext.score_names import LESS_IS_BETTER, PROMPTED

KEY = 'default_hooks.checkpoint'


def best_score_problems(cfg: Config) -> Iterator[str]:
    """A ``save_best`` that the validation cannot have, else told after hours only, or of which less is better.

    Names of DefectMetric and of PromptedMetric are known; any other score is left to the validation.
    """
    hook = cfg.default_hooks.get('checkpoint') or {}
    name = hook.get('save_best', 'mIoU_fg')
    evaluators = cfg.val_evaluator if isinstance(cfg.val_evaluator, list | tuple) else [cfg.val_evaluator]
    types = {evaluator.get('type') for evaluator in evaluators if not evaluator.get('prefix')}
    if name in PROMPTED and 'PromptedMetric' not in types and len(types) == len(evaluators):
        yield _wrong(f'{name}, a score of PromptedMetric, which val_evaluator lacks', 'save_best=mIoU_fg')
    if types == {'PromptedMetric'} and name not in (None, *PROMPTED) and not name.startswith('val_'):
        yield _wrong(f'{name}, but val_evaluator has PromptedMetric alone', 'save_best=PES')
    if name in LESS_IS_BETTER and hook.get('rule', 'greater') == 'greater':
        yield _wrong(f'{name}, of which less is better, and its rule is greater', 'rule=less')


def _wrong(what: str, cure: str) -> str:
    return f'{KEY}.save_best is {what}; --cfg-options {KEY}.{cure}'
