"""SegGPT's network equals the published equations, and refuses what does not fit it."""

import sys

import pytest
import torch
from seggpt_reference import Sizes, paint, published_weights
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt import network as network_module
from mmseg_ext.models.seggpt.network import SegGPTNetwork, share_query
from mmseg_ext.models.seggpt.weights import network_weights

pytest.importorskip('transformers', reason='SegGPT needs the extra seggpt')
SIZES = Sizes()
TINY = dict(
    hidden_size=32,
    num_hidden_layers=4,
    num_attention_heads=2,
    image_size=(64, 32),
    patch_size=16,
    pretrain_image_size=32,
    decoder_hidden_size=8,
    drop_path_rate=0.0,
    merge_index=0,
    intermediate_hidden_state_indices=[0, 1, 2, 3],
)


def published(sizes: Sizes = SIZES, **options: object) -> SegGPTNetwork:
    """A network with the random weights of the reference."""
    network = SegGPTNetwork(sizes.config, **options).eval()
    network.seggpt.load_state_dict(network_weights(published_weights(sizes)))
    return network


def images(count: int, number: int = 4, size: int = SIZES.size) -> list[Tensor]:
    """Query, prompt, the prompt's mask and the query's: (count, 3, S, S) each."""
    generator = torch.Generator().manual_seed(count)
    return [torch.randn(count, 3, size, size, generator=generator) for _ in range(number)]


def some_masked(count: int) -> Tensor:
    rows, columns = SIZES.grid
    return torch.rand(count, rows * columns, generator=torch.Generator().manual_seed(3)) < 0.6


def expected(query: Tensor, prompt: Tensor, target: Tensor, label: Tensor, masked: Tensor, **how: bool) -> Tensor:
    stacked = torch.cat([prompt, query], dim=2), torch.cat([target, label], dim=2)
    return paint(published_weights(SIZES), SIZES, *stacked, masked, **how)


@pytest.mark.parametrize('kind', ['semantic', 'instance'])
def test_what_is_painted_is_what_the_equations_say(kind):
    parts, masked = images(3), some_masked(3)
    with torch.no_grad():
        painted = published()(*parts, masked, embedding_type=kind)
    assert painted.shape == (3, 3, 2 * SIZES.size, SIZES.size)
    torch.testing.assert_close(
        painted, expected(*parts, masked, instance=kind == 'instance'), atol=1e-5, rtol=1e-5
    )


def test_without_an_ensemble_the_layers_are_those_of_transformers():
    network, (query, prompt, target, label), masked = published(), images(2), some_masked(2)
    with torch.no_grad():
        theirs = network.seggpt(query, prompt, target, masked, labels=label, embedding_type='semantic').pred_masks
        torch.testing.assert_close(network(query, prompt, target, label, masked), theirs, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize('prompts', [2, 3, 4])
def test_several_queries_share_a_batch_each_with_its_own_prompts(prompts):
    queries, shown, targets = images(2, 1)[0], *images(2 * prompts, 2)
    query = queries.repeat_interleave(prompts, 0)
    network = published()
    masked = network.query_mask(prompts)
    with torch.no_grad():
        painted = network(query, shown, targets, ensemble=prompts)
    for rows in (slice(0, prompts), slice(prompts, None)):
        alone = expected(query[rows], shown[rows], targets[rows], targets[rows], masked, ensemble=True)
        torch.testing.assert_close(painted[rows], alone, atol=1e-5, rtol=1e-5)
        below = painted[rows, :, SIZES.size + 1 :]  # the decoder's 3 x 3 sees the prompt from the first row
        torch.testing.assert_close(below, below[:1].expand_as(below), atol=1e-5, rtol=1e-5)


def test_an_ensemble_differs_from_each_of_its_prompts_and_from_their_mean():
    (query, prompt, target) = images(2, 3)
    query = query[:1].expand(2, -1, -1, -1)
    network = published()
    with torch.no_grad():
        together, alone = network(query, prompt, target, ensemble=2), network(query, prompt, target)
    assert (together[0] - alone.mean(0)).abs().max() > 1e-2
    assert (together - alone).abs().amax((1, 2, 3)).min() > 1e-2


def test_equal_prompts_together_are_one_prompt():
    parts = [part.expand(3, -1, -1, -1) for part in images(1, 3)]
    network = published()
    with torch.no_grad():
        torch.testing.assert_close(network(*parts, ensemble=3), network(*parts), atol=1e-5, rtol=1e-5)


def test_queries_are_averaged_within_groups_and_prompts_never():
    tokens = torch.arange(4.0).view(4, 1, 1, 1) + torch.tensor([0.0, 10.0]).view(1, 2, 1, 1)
    assert share_query(tokens, 2).flatten().tolist() == [0, 10.5, 1, 10.5, 2, 12.5, 3, 12.5]
    assert share_query(tokens, 1) is tokens


def test_nothing_under_the_mask_is_seen():
    network, (query, prompt, target, label) = published(), images(2)
    with torch.no_grad():
        painted = network(query, prompt, target)
        assert torch.equal(network(query, prompt, target, 5 * label), painted)
        assert not torch.equal(network(query, prompt, target, 5 * label, some_masked(2)), painted)


def test_the_whole_model_has_as_many_weights_as_the_published_one():
    with torch.device('meta'):
        network = SegGPTNetwork()
    assert sum(weight.numel() for weight in network.parameters()) == 370_723_203
    assert (network.size, network.patch, network.tokens) == (448, 16, 1568)
    assert sum(weight.numel() for weight in SegGPTNetwork(TINY).parameters()) == 341_267


def test_checkpointed_layers_have_the_same_gradients():
    gradients = []
    for often in (False, True):
        network = published(gradient_checkpointing=often).train()
        parts = [part.requires_grad_() for part in images(2)]
        network(*parts, some_masked(2)).square().mean().backward()
        gradients.append([weight.grad for weight in network.parameters()] + [part.grad for part in parts])
    for kept, computed in zip(*gradients, strict=True):
        assert (kept is None) == (computed is None)
        assert kept is None or torch.equal(kept, computed)


def test_checkpointed_layers_are_run_twice(monkeypatch):
    calls = []
    run = network_module.run_layer
    monkeypatch.setattr(network_module, 'run_layer', lambda *inputs: calls.append(1) or run(*inputs))
    network = published(gradient_checkpointing=True)
    network(*images(1)).sum().backward()
    assert len(calls) == 2 * SIZES.depth
    with torch.no_grad():
        network(*images(1))
    assert len(calls) == 3 * SIZES.depth


def test_a_frozen_network_teaches_its_prompt():
    network = published(gradient_checkpointing=True).requires_grad_(False)
    query, prompt, target = images(1, 3)
    network(query, prompt.requires_grad_(), target.requires_grad_()).square().sum().backward()
    assert prompt.grad.abs().max() > 0
    assert target.grad.abs().max() > 0


def test_half_precision_paints_nearly_the_same_and_learns():
    network, parts = SegGPTNetwork(TINY), images(2, 3, 32)
    exact = network(*parts)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        painted = network(*parts, ensemble=2)
        assert painted.dtype == torch.float32
        rough = network(*parts)
    assert 0 < (rough - exact).abs().max() < 0.05 * exact.abs().max()
    painted.square().mean().backward()
    assert all(weight.grad.isfinite().all() for weight in network.parameters() if weight.grad is not None)


BAD_CONFIGS = {
    'a word of another model': (
        dict(hidden_dim=32),
        r'config\.hidden_dim: no such option; did you mean hidden_size',
    ),
    'a word for a number': (dict(hidden_size='wide'), "hidden_size' expected int, got str"),
    'the mistyped 488': (
        dict(image_size=(976, 488)),
        r'image_size: 488 pixels .* patch of 16; 480 is the nearest',
    ),
    'a square': (dict(image_size=(448, 448)), r'image_size=\(448, 448\): .* give \(2S, S\)'),
    'one number': (dict(image_size=448), r'image_size=448: .* give \(2S, S\)'),
    'oblong patches': (dict(patch_size=(16, 8)), r'patch_size=.*: patches are squares'),
    'another pretraining': (dict(pretrain_image_size=100), 'pretrain_image_size: 100 pixels'),
    'grey images': (dict(num_channels=1), 'num_channels=1: masks are painted in 3'),
    'heads': (dict(num_attention_heads=3), 'num_attention_heads=3 do not divide hidden_size=32'),
    'no relative positions': (dict(use_relative_position_embeddings=False), 'its attention has them'),
    'layers that are not there': (dict(intermediate_hidden_state_indices=[1, 9]), r'\[1, 9\]: .* of 0 to 3'),
    'layers twice': (dict(intermediate_hidden_state_indices=[1, 1]), r'\[1, 1\]: name layers in rising order'),
    'a merge that comes too late': (dict(merge_index=1), 'merge_index=1'),
    'a merge before all layers': (dict(merge_index=-1), 'merge_index=-1: .* give 0 to 0'),
}


@pytest.mark.parametrize('name', BAD_CONFIGS)
def test_sizes_that_do_not_go_together_are_refused_in_one_line(name):
    wrong, text = BAD_CONFIGS[name]
    with pytest.raises(UsageError, match=text) as caught:
        SegGPTNetwork(dict(TINY, **wrong))
    assert '\n' not in str(caught.value)


BAD_INPUTS = {
    'a small query': (0, torch.zeros(2, 3, 16, 24), {}, r'query is \(2, 3, 16, 24\); .* takes \(2, 3, 24, 24\)'),
    'one prompt for two queries': (1, torch.zeros(1, 3, 24, 24), {}, r'prompt is \(1, 3, 24, 24\)'),
    'a mask of indices': (2, torch.zeros(2, 24, 24), {}, 'prompt_target is'),
    'one mask for two images': (4, torch.ones(1, 18, dtype=torch.bool), {}, r'masked is \(1, 18\) .* \(2, 18\)'),
    'numbers for a mask': (4, torch.ones(2, 18), {}, 'masked is .* torch.float32; give .* of bool'),
    'no groups': (4, None, dict(ensemble=3), '2 rows are no groups of 3 prompts a query'),
    'no prompt': (4, None, dict(ensemble=0), '2 rows are no groups of 0'),
    'a kind of mask': (4, None, dict(embedding_type='panoptic'), "'panoptic'; give semantic or instance"),
}


@pytest.mark.parametrize('name', BAD_INPUTS)
def test_tensors_that_do_not_fit_are_refused_in_one_line(name):
    place, wrong, options, text = BAD_INPUTS[name]
    parts = [*images(2), None]
    parts[place] = wrong
    with pytest.raises(UsageError, match=text):
        published()(*parts, **options)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(UsageError, match=r"transformers is not installed; pip install .* -e '\.\[seggpt\]'"):
        SegGPTNetwork(TINY)
