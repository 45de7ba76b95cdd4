"""Cycle consistency: a prediction counts if, used as the prompt, it leads back to the mask it was asked with."""

from collections.abc import Callable

import torch
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.cycle import cycle_scores, silenced

DEFAULT_GATE = 0.1  # a way back that misses the prompt's mask scores about 0; one that hits half of it about 0.4
Answer = Callable[[Tensor, Tensor, Tensor], Tensor]


def check_gate(threshold: float | None) -> float | None:
    """``threshold`` itself, None for no gate; UsageError for one that is no score."""
    is_score = isinstance(threshold, int | float) and not isinstance(threshold, bool) and 0 <= threshold <= 1
    if threshold is None or is_score:
        return threshold
    cure = f'expected a score from 0 to 1, such as {DEFAULT_GATE}, or None for no gate'
    raise UsageError(f'gate {threshold!r}: {cure}')


def cycle_gate(
    logits: Tensor, queries: Tensor, prompts: Tensor, labels: Tensor, answer: Answer, threshold: float
) -> Tensor:
    """``logits`` with all background for each query whose prediction does not lead back to its prompts.

    Several prompts are asked back one by one, and their mean score decides. A query in which nothing was found has
    nothing to lose and costs no further pass; any other costs K rows of one more.

    Args:
        logits: (N, C, S, S), the answer for the queries.
        queries: (N, 3, S, S) as the network takes them.
        prompts: (N, K, 3, S, S), the images of the K prompts that each query was answered by.
        labels: (N, K, S, S) class indices, the masks of these; 255 is left out of the comparison.
        answer: gives the logits (K, C, S, S) of images (K, 3, S, S) for a prompt each, an image (K, 3, S, S) and
            its mask (K, S, S) of class indices.
        threshold: 0 to 1; queries that score less are silenced.
    """
    with torch.no_grad():
        scores = [_score(*each, answer) for each in zip(logits, queries, prompts, labels, strict=True)]
        return silenced(logits, torch.stack(scores) < threshold)


def _score(logits: Tensor, query: Tensor, prompts: Tensor, labels: Tensor, answer: Answer) -> Tensor:
    """The mean score of one query, 0-d; 1 where nothing is found."""
    mask = logits.argmax(0)
    if not mask.any():
        return logits.new_ones(())
    count = len(prompts)
    reverse = answer(prompts, query.expand(count, -1, -1, -1), mask.expand(count, -1, -1))
    return cycle_scores(logits, reverse, labels).mean().to(logits)
