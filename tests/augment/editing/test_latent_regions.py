"""Regions of pixels become regions of latents, and names of the package arrive when asked for."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tiny_edits import cells

import augment
from augment.editing.requests import latent_regions


@given(st.lists(arrays.arrays(bool, (24, 16)), min_size=1, max_size=3))
def test_a_cell_may_change_when_any_of_its_pixels_may(regions):
    found = latent_regions(regions, len(regions), (24, 16), 8, 'label+attention')
    assert found.shape == (len(regions), 1, 3, 2)
    assert torch.equal(found[:, 0], torch.stack([cells(region) for region in regions]))


@pytest.mark.parametrize('by', ['none', 'attention'])
def test_regions_that_nobody_asked_for_bound_nothing(by):
    assert latent_regions([np.zeros((24, 16), bool)], 1, (24, 16), 8, by) is None
    assert latent_regions(None, 1, (24, 16), 8, by) is None


def test_what_the_package_exports():
    for name in augment.__all__:
        assert getattr(augment, name).__name__ == name
        assert name in dir(augment)
    with pytest.raises(AttributeError, match='Editr'):
        augment.Editr  # noqa: B018 - the access is the test


def test_names_are_imported_without_the_model_s_libraries():
    code = 'import sys, augment; augment.Editor, augment.Target, augment.Runtime, augment.ModelSource'
    heavy = '; sys.exit(bool({"torch", "diffusers", "transformers"} & set(sys.modules)))'
    assert subprocess.run([sys.executable, '-c', code + heavy], check=False).returncode == 0
