"""The heads of a config, and what cannot work of those with a single logit."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import ConfigDict
from mmseg.registry import MODELS

SOFTMAX = '--cfg-options {head}.out_channels={classes} {head}.threshold=None'


def head_configs(model: ConfigDict) -> dict[str, ConfigDict]:
    """{place: head} of all heads of a model, such as ``model.decode_head`` and ``model.auxiliary_head.1``.

    A model that states its classes itself (SMPSegmentor may) is its own head.
    """
    found = {'model': model} if 'num_classes' in model else {}
    for name in ('decode_head', 'auxiliary_head'):
        head = model.get(name)
        several = {f'model.{name}.{index}': each for index, each in enumerate(head)} if _is_list(head) else {}
        found |= several or {f'model.{name}': head}
    return {place: head for place, head in found.items() if isinstance(head, dict)}


def deciding_config(model: ConfigDict) -> ConfigDict:
    """The head whose output becomes the mask: the decode head, the last one of several; empty without any."""
    heads = [head for place, head in head_configs(model).items() if not place.startswith('model.auxiliary_head')]
    return heads[-1] if heads else ConfigDict()


def single_logit_problems(model: ConfigDict) -> Iterator[str]:
    """Heads of one output channel that have more than two classes, or a loss that needs a channel for each."""
    for place, head in head_configs(model).items():
        if head.get('out_channels') != 1:
            continue
        several = SOFTMAX.format(head=place, classes=head.get('num_classes'))
        softmax = [loss['type'] for loss in _losses(head) if _needs_channels(loss)]
        if head.get('num_classes', 2) > 2:
            yield (
                f'{place}: one output channel (out_channels=1) tells two classes apart, not '
                f'{head["num_classes"]}; {several} and a softmax loss such as --swap losses=dice_ce'
            )
        elif softmax:
            yield (
                f'{place}: {", ".join(softmax)} needs an output channel for each class, and there is one '
                f'(out_channels=1); --swap losses=bce_dice, or {several}'
            )


def threshold_problems(model: ConfigDict) -> Iterator[str]:
    """Thresholds that are no probability."""
    for place, head in head_configs(model).items():
        value = head.get('threshold')
        if value is not None and not is_threshold(value):
            yield f'{place}.threshold: {value!r} is no probability; take one from 0 to 1, such as 0.5'


def is_threshold(value: Any) -> bool:
    """Whether ``value`` is a number from 0 to 1 (NaN and truth values are none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _losses(head: ConfigDict) -> list[ConfigDict]:
    losses = head.get('loss_decode') or []
    return [loss for loss in (losses if _is_list(losses) else [losses]) if 'type' in loss]


def _needs_channels(loss: ConfigDict) -> bool:
    """Whether a loss is a softmax over the classes; one that does not say so is left to the trial step."""
    if loss['type'] == 'CrossEntropyLoss':  # mmseg's, which of a single channel makes a loss of 0
        return not loss.get('use_sigmoid')
    registered = MODELS.get(loss['type']) if isinstance(loss['type'], str) else loss['type']
    return getattr(registered, 'takes_single_logit', True) is False
