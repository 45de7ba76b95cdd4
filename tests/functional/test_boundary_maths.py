"""The active boundary loss against a pixel-by-pixel retelling, Kervadec's against distances counted by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor

from mmseg_ext.functional.active_boundary import (
    STEPS,
    active_boundary_loss,
    contour_distance,
    label_contour,
    predicted_contour,
)
from mmseg_ext.functional.boundary import boundary_loss, signed_distance


def scene(seed: int = 0, classes: int = 3, ignored: bool = True) -> tuple[Tensor, Tensor]:
    """Two images of 10 x 12: blocks of two classes, and an ignored corner in the first."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.zeros(2, 10, 12, dtype=torch.long)
    label[0, :3, :4] = 1
    label[1, 6:, 9:], label[1, 8:, :2] = 2, 1
    if ignored:
        label[0, 8:, 9:] = 255
    logits = torch.randn(2, classes, 10, 12, dtype=torch.double, generator=generator) * 2
    return logits.requires_grad_(), label


def kl(p: Tensor, q: Tensor) -> Tensor:
    return sum(a * (a / b).log() for a, b in zip(p, q, strict=True))


def naive_contour(probs: Tensor, ring: set, max_ratio: float) -> set:
    """Pixels (row, column) of one image; raises the threshold step by step, as published."""
    height, width = probs.shape[1:]
    change = {}
    for y in range(height):
        for x in range(width):
            down = kl(probs[:, y, x], probs[:, y + 1, x]) if y + 1 < height else 0
            right = kl(probs[:, y, x], probs[:, y, x + 1]) if x + 1 < width else 0
            change[y, x] = 0 if (y, x) in ring else float(down + right)
    threshold = 1e-5
    while sum(value > threshold for value in change.values()) > height * width * max_ratio:
        threshold *= 1.2
    strong = {pixel for pixel, value in change.items() if value > threshold}
    return {(y, x) for y, x in change if any(abs(y - v) < 2 and abs(x - u) < 2 for v, u in strong)} - ring


def naive_distance(label: Tensor) -> dict:
    """Distance to the nearest contour pixel, less 1 and at least 0; {} without a contour."""
    height, width = label.shape
    contour = []
    for y in range(height):
        for x in range(width):
            others = [(y + 1, x)] * (y + 1 < height) + [(y, x + 1)] * (x + 1 < width)
            if any(label[y, x] != label[o] and 255 not in (label[y, x], label[o]) for o in others):
                contour.append((y, x))
    pixels = [(y, x) for y in range(height) for x in range(width)] if contour else []
    return {p: max(0.0, min(math.dist(p, c) for c in contour) - 1) for p in pixels}


def naive_active_boundary(logits: Tensor, label: Tensor, max_ratio: float, detach: bool) -> Tensor:
    """Every pixel with its 8 neighbours and itself, which comes last and so loses ties."""
    terms, height, width = [], *label.shape[1:]
    for image_logits, image_label in zip(logits, label, strict=True):
        probs, distance = image_logits.softmax(0), naive_distance(image_label)
        bad = {tuple(p) for p in (image_label == 255).nonzero().tolist()}
        ring = {(y + dy, x + dx) for y, x in bad for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
        for y, x in naive_contour(probs.detach(), ring, max_ratio) if distance else ():
            near = [(y + dy, x + dx) for dy, dx in (*STEPS, (0, 0))]
            target = min(range(9), key=lambda k: distance.get(near[k], math.inf))
            clamped = [(min(max(v, 0), height - 1), min(max(u, 0), width - 1)) for v, u in near[:8]]
            others = [probs[:, v, u].detach() if detach else probs[:, v, u] for v, u in clamped]
            flow = torch.stack([kl(other, probs[:, y, x]) for other in others]).log_softmax(0)
            share = torch.full((8,), 0.2 / 8, dtype=flow.dtype)
            if target < 8:
                share[target] = 0.8
                terms.append(-(share * flow).sum() * min(distance[y, x], 3) / 3)
    return sum(terms) / len(terms)


@pytest.mark.parametrize('detach', [True, False])
@pytest.mark.parametrize('seed', range(3))
def test_active_boundary_equals_the_retelling(seed, detach):
    """Detached, the gradient is not the value's slope, on purpose: the retelling, detached too, is the oracle."""
    logits, label = scene(seed)
    ours = active_boundary_loss(logits, label, max_ratio=0.1, max_distance=3, detach=detach)
    expected = naive_active_boundary(logits, label, 0.1, detach)
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=0)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (ours, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-9)
    assert gradients[0].abs().max() > 1e-3


def test_images_do_not_share_their_contour_budget():
    logits, label = scene(ignored=False)
    alone = predicted_contour(logits[:1], torch.zeros(1, 10, 12, dtype=torch.bool), 0.05)
    loud = torch.cat([logits[:1], logits[1:] * 50])
    assert torch.equal(predicted_contour(loud, torch.zeros_like(label, dtype=torch.bool), 0.05)[:1], alone)
    assert 0 < alone.sum() <= 9 * 6


@pytest.mark.parametrize('what', ['flat logits', 'one class', 'all ignored'])
def test_nothing_to_move_is_zero_with_a_graph(what):
    logits, label = scene()
    if what == 'flat logits':
        logits = torch.zeros_like(logits, requires_grad=True)
    label = label * 0 if what == 'one class' else label * 0 + 255 if what == 'all ignored' else label
    loss = active_boundary_loss(logits, label, max_ratio=0.1)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == 0
    assert not gradient.any()


def test_an_image_without_contour_neither_adds_nor_dilutes():
    logits, label = scene()
    plain = torch.cat([label, label[:1] * 0])
    loss = active_boundary_loss(torch.cat([logits, logits[:1]]), plain, max_ratio=0.1)
    torch.testing.assert_close(loss, active_boundary_loss(logits, label, max_ratio=0.1))


def test_a_prediction_in_place_costs_nearly_nothing_and_a_shifted_one_does():
    label = torch.zeros(1, 40, 40, dtype=torch.long)
    label[:, 12:28, 12:28] = 1
    place, shifted = (
        active_boundary_loss(torch.nn.functional.one_hot(m, 2).movedim(-1, 1) * 5.0, label, max_ratio=0.05).item()
        for m in (label, label.roll(6, 2))
    )
    assert place < 0.01
    assert shifted > 10 * place


def test_weight_multiplies_each_pixel():
    logits, label = scene()
    weight = torch.ones(label.shape)
    loss = active_boundary_loss(logits, label, weight, max_ratio=0.1)
    torch.testing.assert_close(loss, active_boundary_loss(logits, label, max_ratio=0.1))
    half = weight.clone()
    half[0] = 0
    parts = [active_boundary_loss(logits, label, w, max_ratio=0.1) for w in (half, 1 - half)]
    torch.testing.assert_close(sum(parts), loss)


def test_distance_keeps_its_fraction_and_ignored_borders_are_no_contour():
    label = torch.zeros(1, 5, 6, dtype=torch.long)
    label[0, 0, 0], label[0, 4, 5] = 1, 255
    contour = label_contour(label, 255)
    assert contour.nonzero().tolist() == [[0, 0, 0]]
    distance, has_contour = contour_distance(label, 255)
    assert has_contour.tolist() == [True]
    assert distance[0, 1, 1].item() == pytest.approx(math.sqrt(2) - 1)
    assert distance[0, 3, 4].item() == pytest.approx(4)
    assert distance[0, 0, :3].tolist() == [0, 0, 1]


def test_signed_distance_by_hand():
    phi = signed_distance(np.array([[2, 0, 0, 1, 1, 1, 0]]), 3)
    assert phi[0, 0].tolist() == [3, 2, 1, 0, -1, 0, 1]
    assert phi[1, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert not phi[2].any(), 'a class that is absent'
    assert not signed_distance(np.ones((3, 4), int), 2).any(), 'a class that fills the image'


@settings(max_examples=80, deadline=None)
@given(arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 255])))
def test_signed_distance_is_that_of_the_whole_image(label):
    """Published: two distance transforms a class, of the whole image; and every distance counted by itself."""
    for phi, region in zip(signed_distance(label, 2), (label == 1, label == 2), strict=True):
        pixels = {side: np.argwhere(region == side) for side in (True, False)}
        for pixel, value in zip(np.ndindex(*label.shape), phi.flat, strict=True):
            others = pixels[not region[pixel]]
            nearest = min((math.dist(pixel, other) for other in others), default=None)
            expected = 0 if nearest is None else 1 - nearest if region[pixel] else nearest
            assert value == pytest.approx(expected)


def test_boundary_loss_by_hand():
    label = torch.tensor([[[0, 0, 0, 1, 1, 1, 255]]])
    uniform = torch.zeros(1, 2, 1, 7)
    assert boundary_loss(uniform, label).item() == pytest.approx(0.5 * (3 + 2 + 1 + 0 - 1 + 0) / 6)
    weight = torch.tensor([[[1.0, 0, 0, 0, 0, 0, 9]]])
    assert boundary_loss(uniform, label, weight=weight).item() == pytest.approx(0.5 * 3 / 6)
    assert boundary_loss(uniform, label, torch.ones(1, 1, 1, 7)).item() == pytest.approx(0.5)


def test_distances_of_few_classes_are_enough():
    """Those above are 0, as if given; channels beyond the logits belong to no class of theirs."""
    logits, label = scene()
    label = label.where(label == 1, 0)
    maps = torch.from_numpy(np.stack([signed_distance(image, 4) for image in label.numpy()]))
    loss = boundary_loss(logits, label)
    for count in (1, 2, 4):
        torch.testing.assert_close(boundary_loss(logits, label, maps[:, :count]), loss)


def test_boundary_loss_is_least_and_negative_at_the_truth():
    label = torch.zeros(1, 9, 9, dtype=torch.long)
    label[:, 2:7, 2:7] = 1
    masks = [label, label.roll(1, 1), label * 0, label * 0 + 1]
    losses = [boundary_loss(torch.nn.functional.one_hot(m, 2).movedim(-1, 1) * 50.0, label).item() for m in masks]
    assert losses[0] == min(losses)
    assert losses[0] < 0
