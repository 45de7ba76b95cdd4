"""Guidance and its thresholds, by hand."""

import pytest
import torch

from augment.config.settings import InversionSettings
from augment.inversion.proximal import guide, threshold

# Magnitudes 1 2 3 4 5: the .5 quantile is 3.
DIFFERENCE = torch.tensor([[1.0, -2.0, 3.0, -4.0, 5.0]])


def test_hard_threshold_keeps_what_is_large():
    assert threshold(DIFFERENCE, 0.5, 'l0').tolist() == [[0, 0, 3, -4, 5]]


def test_soft_threshold_also_shrinks_it():
    assert threshold(DIFFERENCE, 0.5, 'l1').tolist() == [[0, 0, 0, -1, 2]]


def test_each_row_has_its_own_threshold():
    rows = torch.cat([DIFFERENCE, 100 * DIFFERENCE])
    assert threshold(rows, 0.5, 'l0').tolist() == [[0, 0, 3, -4, 5], [0, 0, 300, -400, 500]]


@pytest.mark.parametrize('kind', ['l0', 'l1'])
def test_shape_is_kept_and_no_difference_stays_none(kind):
    assert torch.equal(threshold(torch.zeros(2, 4, 3, 3), 0.7, kind), torch.zeros(2, 4, 3, 3))


def test_plain_guidance():
    eps_u, eps_c = torch.ones(1, 5), torch.ones(1, 5) + DIFFERENCE
    for method in ('null-text', 'npi', 'direct', 'ddim'):
        guided = guide(eps_u, eps_c, 15.0, InversionSettings(method))
        assert torch.equal(guided, 1 + 15 * DIFFERENCE)


@pytest.mark.parametrize(('prox', 'kept'), [('l0', [0, 0, 3, -4, 5]), ('l1', [0, 0, 0, -1, 2])])
def test_proximal_guidance(prox, kept):
    eps_u, eps_c = torch.ones(1, 5), torch.ones(1, 5) + DIFFERENCE
    guided = guide(eps_u, eps_c, 2.0, InversionSettings('prox-npi', prox=prox, prox_quantile=0.5))
    assert guided.tolist() == [[1 + 2 * value for value in kept]]


def test_lowest_quantile_of_l0_is_plain_guidance():
    eps_u, eps_c = torch.randn(2, 2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    proximal = guide(eps_u, eps_c, 7.5, InversionSettings('prox-npi', prox_quantile=0.0))
    assert torch.equal(proximal, guide(eps_u, eps_c, 7.5, InversionSettings('npi')))
