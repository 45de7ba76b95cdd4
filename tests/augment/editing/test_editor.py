"""The editor from photographs to images: each method, what settings do, what is refused, what is left behind."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_edits import STEPS, cells, edit_settings, photographs, same

from augment.config.settings import METHODS
from augment.editing.editor import Editor
from augment.editing.targets import Target
from augment.errors import NonFiniteError, UsageError


@pytest.fixture(scope='module')
def image():
    return photographs()[0][0]


@pytest.fixture(scope='module')
def region():
    return photographs()[1][0]


@pytest.fixture(scope='module')
def inversion(pipe, image):
    return Editor(pipe, edit_settings()).invert([image])[0]


def edited(pipe, inverted, region=None, target='peeling', **changes):
    """Latent of an edit; not bounded unless ``changes`` say so."""
    settings = edit_settings(**{'blend': {'by': 'none'}, **changes})
    return Editor(pipe, settings).edit([inverted], [target], region if region is None else [region])[0][0]


@pytest.mark.parametrize('method', METHODS)
def test_each_method_from_photograph_to_image(pipe, image, region, method):
    editor = Editor(pipe, edit_settings(method))
    (inversion,) = editor.invert([image])
    assert inversion.pivots.shape == (STEPS + 1, 4, 16, 16)
    for word, result in zip(
        ('peeling', 'rust'), editor.edit([inversion], ['peeling', 'rust'], [region])[0], strict=True
    ):
        assert result.image.shape == image.shape
        assert result.image.dtype == np.uint8
        assert result.target == Target(word, f'photo of a crack with {word}', {word: 2.0}, (word,))
        assert result.mask is None
        assert not same(result.latent, result.source_latent)
        assert result.stats['reconstruction'] == (
            'inversion' if inversion.reconstruction is not None else 'source row'
        )
        assert 0 < result.stats['allowed_share'] < 1


def test_methods_differ(pipe, image, region):
    """Each has its own null embeddings or guidance."""
    latents = {}
    for method in METHODS:
        editor = Editor(pipe, edit_settings(method))
        latents[method] = editor.edit(editor.invert([image]), ['peeling'], [region])[0][0].latent
    for first in latents:
        assert not any(same(latents[first], latents[second]) for second in latents if second != first)


@pytest.mark.parametrize(
    'changes',
    [
        {'guidance': 3.0},
        {'control': {'equalizer': 5.0}},
        {'control': {'equalizer_window': 'all'}},
        {'control': {'cross_window': 0.8}},
        {'control': {'self_window': 0.8}},
        {'control': {'self_limit': 'all'}},
        {'control': {'self_limit': 0}},
        {'control': {'pooled': 'source-in-cross-window'}},
        {'rli': {'alpha': 0.4}},
        {'rli': {'where': ('down.self',)}},
        {'method': 'prox-npi'},
        {'inversion': {'pin_source': False}, 'method': 'npi', 'control': {'cross_window': 1.0}},
        {'target': 'rust'},
    ],
    ids=str,
)
def test_every_setting_has_an_effect(pipe, inversion, changes):
    plain, other = edited(pipe, inversion), edited(pipe, inversion, **changes)
    assert (plain.latent - other.latent).abs().max() > 1e-4


def test_replacing_words(pipe, inversion):
    target = Target('rust', 'photo of a rust')
    refined, replaced = (
        edited(pipe, inversion, target=target, control={'mode': mode}) for mode in ('refine', 'replace')
    )
    assert not same(refined.latent, replaced.latent)
    with pytest.raises(UsageError, match='4 words'):
        edited(pipe, inversion, control={'mode': 'replace'})


def test_source_s_pooled_embedding_lasts_as_long_as_its_cross_attention(pipe, inversion):
    def latent(pooled, window):
        return edited(
            pipe, inversion, control={'pooled': pooled, 'cross_window': window, 'self_window': 0.0}
        ).latent

    assert same(latent('source-in-cross-window', 0.0), latent('target', 0.0))
    assert not same(latent('source-in-cross-window', 1.0), latent('target', 1.0))


def test_blend_begins_where_it_is_told(pipe, inversion, region):
    never = edited(pipe, inversion, region, blend={'by': 'label', 'start': 1.0})
    assert same(never.latent, edited(pipe, inversion).latent)
    early, late = (edited(pipe, inversion, region, blend={'by': 'label', 'start': s}) for s in (0.0, 0.75))
    assert not same(early.latent, late.latent)
    changed = (late.latent != late.source_latent).any(0)
    assert same(changed, cells(region))  # step 3 of 4 is the last


def test_attention_bounds_an_edit_and_is_shown_in_pixels(pipe, inversion, region):
    blend = {'by': 'attention', 'threshold': 0.97, 'start': 0.0}
    result = edited(pipe, inversion, blend=blend)
    assert result.mask.shape == region.shape
    assert 0 < result.mask.mean() < 1
    allowed = torch.from_numpy(result.mask[::8, ::8])
    changed = (result.latent != result.source_latent).any(0)
    assert same(changed, allowed)
    unguided = edited(pipe, inversion, blend=blend, control={'cross_window': 0.0, 'self_window': 0.0})
    assert unguided.mask.any()
    both = edited(pipe, inversion, region, blend={**blend, 'by': 'label+attention'})
    assert both.stats['allowed_share'] > max(both.stats['attended_share'], region[::8, ::8].mean())


def test_words_that_bound_an_edit_are_chosen(pipe, inversion):
    blend = {'by': 'attention', 'threshold': 0.98}
    masks = [
        edited(pipe, inversion, target=Target('peeling', blend_words=words), blend=blend).mask
        for words in (None, ('photo', 'peeling'))
    ]
    assert masks[0].any()
    assert not np.array_equal(*masks)
    with pytest.raises(UsageError, match='tile'):
        edited(pipe, inversion, target=Target('peeling', blend_words=('tile',)), blend=blend)


def test_odd_notes_say_so(pipe, inversion, region):
    nowhere = edited(pipe, inversion, np.zeros_like(region), blend={'by': 'label', 'start': 0.0})
    assert 'region is empty' in nowhere.stats['notes'][0]
    assert same(nowhere.latent, nowhere.source_latent)
    everywhere = edited(pipe, inversion, blend={'by': 'attention', 'threshold': 0.0})
    assert 'everywhere' in everywhere.stats['notes'][0]


def test_processors_and_gradients_of_the_unet_are_as_before(pipe, image, region):
    before = dict(pipe.unet.attn_processors)
    editor = Editor(pipe, edit_settings('null-text', blend={'by': 'label+attention'}))
    editor.edit(editor.invert([image]), ['peeling'], [region])
    assert pipe.unet.attn_processors == before
    assert all(weight.grad is None and not weight.requires_grad for weight in pipe.unet.parameters())


def test_processors_are_restored_after_an_error(pipe, inversion):
    def fail(stage, done, total):
        raise KeyboardInterrupt

    before = dict(pipe.unet.attn_processors)
    with pytest.raises(KeyboardInterrupt):
        Editor(pipe, edit_settings(blend={'by': 'none'})).edit([inversion], ['peeling'], progress=fail)
    assert pipe.unet.attn_processors == before


def test_progress_counts_over_all_batches(pipe, image):
    told = []
    editor = Editor(pipe, edit_settings(blend={'by': 'none'}))
    inversions = editor.invert([image] * 2, progress=lambda *report: told.append(report))
    stage = told[0][0]
    assert told == [(stage, k, 2 * STEPS) for k in range(1, 2 * STEPS + 1)]
    told.clear()
    editor.edit(inversions, ['rust'], progress=lambda *report: told.append(report))
    assert told == [('edit', k, 2 * STEPS) for k in range(1, 2 * STEPS + 1)]


def test_prompts_are_those_of_the_inversion(pipe, image):
    editor = Editor(pipe, edit_settings(blend={'by': 'none'}))
    inversions = editor.invert([image] * 2, ['photo of a dent', 'photo of a crack'])
    results = editor.edit(
        inversions, [Target('rust', 'photo of a rust')], prompts=['photo of a dent', 'photo of a crack']
    )
    assert not same(results[0][0].latent, results[1][0].latent)
    with pytest.raises(UsageError, match='not made with the prompt'):
        editor.edit(inversions, ['rust'])
    with pytest.raises(UsageError, match='one an image'):
        editor.edit(inversions, ['rust'], prompts=['photo of a dent'])


def test_no_words_no_results(pipe, inversion):
    assert Editor(pipe, edit_settings()).edit([inversion], []) == [[]]
    assert Editor(pipe, edit_settings()).edit([], ['rust']) == []


def test_replaced_shares_the_pipeline(pipe):
    editor = Editor(pipe)
    other = editor.replaced(settings=edit_settings(steps=7))
    assert other.pipe is pipe
    assert (other.settings.steps, editor.settings.steps) == (7, 50)
    assert other.runtime is editor.runtime


def test_overflow_is_an_error_of_its_own(pipe, inversion):
    broken = replace(inversion, pivots=inversion.pivots * torch.inf)
    with pytest.raises(NonFiniteError, match='step 0'):
        Editor(pipe, edit_settings(blend={'by': 'none'})).edit([broken], ['rust'])


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        ([], 'none to invert'),
        ([np.zeros((128, 128), np.uint8)], 'no 8-bit RGB'),
        ([np.zeros((128, 128, 3), np.float32)], 'no 8-bit RGB'),
        ([np.zeros((128, 100, 3), np.uint8)], '128 x 100 is no multiple of 8'),
        ([np.zeros((128, 128, 3), np.uint8), np.zeros((128, 64, 3), np.uint8)], 'several sizes'),
    ],
)
def test_images_that_cannot_be_inverted(pipe, images, message):
    with pytest.raises(UsageError, match=message):
        Editor(pipe, edit_settings()).invert(images)


def test_edits_that_cannot_be_made(pipe, inversion, region):
    editor = Editor(pipe, edit_settings())
    with pytest.raises(UsageError, match='no regions are given'):
        editor.edit([inversion], ['rust'])
    with pytest.raises(UsageError, match='2 for 1 images'):
        editor.edit([inversion], ['rust'], [region] * 2)
    with pytest.raises(UsageError, match=r'not bool \(128, 128\)'):
        editor.edit([inversion], ['rust'], [region[:64]])
    with pytest.raises(UsageError, match='uint8'):
        editor.edit([inversion], ['rust'], [region.astype(np.uint8)])
    with pytest.raises(UsageError, match='does not say'):
        editor.edit([inversion], [Target('rust', 'photo of a dent')], [region])
    with pytest.raises(UsageError, match='made in 4 steps, the settings say 5'):
        editor.replaced(edit_settings(steps=5)).edit([inversion], ['rust'], [region])
    small = replace(inversion, pivots=inversion.pivots[..., :8])
    with pytest.raises(UsageError, match='several sizes'):
        editor.edit([inversion, small], ['rust'], [region] * 2)
