"""How far a prediction made by example leads back to its example: the score that tells false alarms from finds.

A network that is shown a prompt (an image and its mask) marks the same thing in a query. Shown the query and what
it marked there, it should find the prompt's mask again; after a false alarm it does not. The score is that of
Geonuk Kim 2024 (https://arxiv.org/abs/2409.13984), p_f p_r mIoU(m_s, m_r): how sure the way there is, how sure
the way back is, and how much of the prompt's mask m_s the mask of the way back m_r covers.
"""

import torch
from torch import Tensor

SILENCE = 20.0  # by so much a silenced class lies below the background: a probability of 2e-9


def mean_confidence(logits: Tensor) -> Tensor:
    """(N,) in 0..1: mean probability of the predicted class where that is not class 0; 0 where nothing is found.

    ``logits`` are (N, C, H, W) with C > 1.
    """
    top, classes = logits.float().softmax(1).max(1)
    found = classes > 0
    return (top * found).sum((1, 2)) / found.sum((1, 2)).clamp_min(1)


def region_iou(pred: Tensor, label: Tensor, ignore_index: int = 255) -> Tensor:
    """(N,) in 0..1: mean IoU of the classes above 0 that a ``label`` holds; 0 for a label that holds none.

    ``pred`` and ``label`` are (N, H, W) class indices; pixels labelled ``ignore_index`` are left out.
    """
    valid = label != ignore_index
    total = torch.zeros(len(label), device=label.device)
    count = torch.zeros_like(total)
    for value in label[valid].unique().tolist():
        if value == 0:
            continue
        wanted, given = (label == value), (pred == value) & valid
        both, either = ((part.sum((1, 2))) for part in (wanted & given, wanted | given))
        total += both / either.clamp_min(1)
        count += wanted.flatten(1).any(1)
    return total / count.clamp_min(1)


def cycle_scores(forward: Tensor, reverse: Tensor, label: Tensor, ignore_index: int = 255) -> Tensor:
    """(K,) in 0..1, one for each of K prompts that a query was answered by.

    ``forward`` (C, H, W) are the logits of the query, ``reverse`` (K, C, h, w) those of the prompts' images when
    the query and its predicted mask are the prompt, ``label`` (K, h, w) the prompts' own masks.
    """
    there, back = mean_confidence(forward[None]), mean_confidence(reverse)
    return there * back * region_iou(reverse.argmax(1), label, ignore_index)


def silenced(logits: Tensor, silent: Tensor) -> Tensor:
    """``logits`` (N, C, H, W) with every pixel background where ``silent`` (N,) bool; the others as they are."""
    quiet = logits.clone()
    quiet[:, 1:] = logits[:, :1] - SILENCE
    return torch.where(silent[:, None, None, None], quiet, logits)
