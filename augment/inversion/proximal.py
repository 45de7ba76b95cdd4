"""Classifier-free guidance, and its proximal form: Han et al. 2023 (https://arxiv.org/abs/2306.05414)."""

from torch import Tensor

from augment.config.settings import InversionSettings


def threshold(difference: Tensor, quantile: float, kind: str) -> Tensor:
    """Each row of ``difference`` (N, ...) with its small entries at 0.

    Small is below the ``quantile`` of the row's magnitudes. ``l0`` leaves the others as they are (the proximal
    operator of the l0 norm), ``l1`` brings them nearer to 0 by the same amount (that of the l1 norm).
    """
    magnitude = difference.abs()
    limit = magnitude.flatten(1).quantile(quantile, dim=1).view(-1, *[1] * (difference.dim() - 1))
    if kind == 'l0':
        return difference * (magnitude >= limit)
    return difference.sign() * (magnitude - limit).clamp_min(0)


def guide(eps_u: Tensor, eps_c: Tensor, scale: float, settings: InversionSettings) -> Tensor:
    """Guided noise ``eps_u + scale * (eps_c - eps_u)``, all (N, 4, h, w) fp32.

    With ``prox-npi`` the difference is thresholded first, each row on its own, so that weak differences between
    the two prompts change nothing.
    """
    difference = eps_c - eps_u
    if settings.method == 'prox-npi':
        difference = threshold(difference, settings.prox_quantile, settings.prox)
    return eps_u + scale * difference
