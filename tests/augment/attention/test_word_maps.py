"""Where words are looked at: maps written by hand, and the UNet's own."""

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor

from augment.attention.control import EditControl
from augment.attention.install import installed
from augment.attention.rows import Rows
from augment.attention.word_maps import WordMaps, attention_map, blend_columns, coarse_size
from augment.config.settings import ControlSettings, RLISettings
from augment.errors import UsageError


def looking(rows, side=4, peak=50.0):
    """Queries and keys of one head that make position p of row r look at token ``rows[r].get(p, 0)`` alone."""
    query, key = torch.zeros(len(rows), 1, side**2, 77), torch.eye(77).expand(len(rows), 1, 77, 77)
    for row, tokens in enumerate(rows):
        for position in range(side**2):
            query[row, 0, position, tokens.get(position, 0)] = peak * 77**0.5
    return query, key


def boxed(*corners):
    """(16, 16) bool, true in 16-pixel cells around 4 x 4 grid cells: every cell reaches its neighbours."""
    made = torch.zeros(4, 4, dtype=torch.bool)
    for row, column in corners:
        made[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
    return made.repeat_interleave(4, 0).repeat_interleave(4, 1)


def test_attention_map_is_softmax_of_scaled_products_over_heads():
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(3, 2, count, 8, generator=generator, dtype=torch.bfloat16) for count in (5, 77))

    expected = torch.stack(
        [(query[:, h].float() @ key[:, h].float().mT / 8**0.5).softmax(-1) for h in range(2)]
    ).mean(0)
    assert torch.allclose(attention_map(query, key), expected, atol=1e-6)


def test_the_mask_is_the_union_of_source_and_target():
    maps = WordMaps([[((4,), (6,))]], (16, 16))
    maps.add(*looking([{0: 4}, {15: 6}]), Rows([0], [[1]]))

    assert torch.equal(maps.mask(0.3)[0, 0], boxed((0, 0), (3, 3)))


def test_every_target_and_image_has_its_own_mask():
    columns = [[((), (6,)), ((), (7,))], [((), (8,)), ((), (9,))]]
    maps = WordMaps(columns, (16, 16))
    maps.add(*looking([{}, {0: 6}, {3: 7}, {12: 8}, {15: 9}, {}]), Rows([0, 5], [[1, 2], [3, 4]]))

    masks = maps.mask(0.3)
    assert masks.shape == (2, 2, 16, 16)
    for mask, corner in zip(masks.flatten(0, 1), [(0, 0), (0, 3), (3, 0), (3, 3)], strict=True):
        assert torch.equal(mask, boxed(corner))


def test_a_word_is_measured_by_its_own_most():
    maps = WordMaps([[((4,), (6,)), ((), (7,))]], (16, 16))
    for tokens in ({0: 4}, {0: 4}, {0: 4}, {0: 4}):
        maps.add(*looking([tokens, {}, {}]), Rows([0], [[1, 2]]))
    maps.add(*looking([{}, {3: 6}, {15: 7}]), Rows([0], [[1, 2]]))

    assert torch.equal(maps.mask(0.3)[0, 0], boxed((0, 0), (0, 3)))
    assert torch.equal(maps.mask(0.3)[0, 1], boxed((3, 3)))


def test_a_source_that_is_to_be_read_has_to_be_there():
    maps = WordMaps([[((4,), (6,))]], (16, 16))

    with pytest.raises(ValueError, match=r'read the source of image 0, but rows.source is \[None\]'):
        maps.add(*looking([{}]), Rows([None], [[0]]))


def test_layers_and_steps_add_up_and_the_threshold_is_a_share_of_the_most():
    maps = WordMaps([[((), (6,))]], (16, 16))
    for tokens in ({0: 6, 15: 6}, {0: 6}, {0: 6}, {0: 6}):
        maps.add(*looking([tokens]), Rows([None], [[0]]))

    assert torch.equal(maps.mask(0.2)[0, 0], boxed((0, 0), (3, 3)))
    assert torch.equal(maps.mask(0.25)[0, 0], boxed((0, 0)))


def test_several_tokens_of_a_word_add_up():
    maps = WordMaps([[((), (6, 7))]], (16, 16))
    maps.add(*looking([{0: 6, 15: 7}]), Rows([None], [[0]]))

    assert torch.equal(maps.mask(0.9)[0, 0], boxed((0, 0), (3, 3)))


def test_other_resolutions_are_not_counted():
    maps = WordMaps([[((4,), (6,))]], (16, 16))
    maps.add(*looking([{0: 4}, {0: 6}], side=8), Rows([0], [[1]]))

    assert maps.sums.abs().max() == 0
    assert not maps.mask(0).any()


def test_nothing_is_chosen_where_nobody_looks():
    maps = WordMaps([[((4,), (6,))]], (16, 16))
    maps.add(*looking([{}, {}]), Rows([0], [[1]]))

    assert not WordMaps([[((4,), (6,))]], (16, 16)).mask(0.3).any()
    assert maps.sums.max() < 1e-6


def test_sides_that_do_not_divide_are_rounded_up():
    assert coarse_size((16, 128)) == (4, 32)
    assert coarse_size((17, 31)) == (5, 8)
    assert WordMaps([[((), (6,))]], (17, 31)).mask(0.3).shape == (1, 1, 17, 31)


def test_columns_are_those_of_the_words_in_both_prompts(table):
    source, target = table('photo of a crack'), table('photo of a crack with peeling')

    assert blend_columns(source, target, ['peeling']) == ([], [6])
    assert blend_columns(source, target, ['peeling', 'crack', 'photo']) == ([1, 4], [1, 4, 6])
    with pytest.raises(UsageError, match=r"does not say 'rust'"):
        blend_columns(source, target, ['rust'])


class Recorder(AttnProcessor):
    """Explicit attention of diffusers that keeps the maps of the coarse cross-attention layers."""

    def __init__(self):
        super().__init__()
        self.maps = []

    def __call__(self, attn: Attention, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None):
        if encoder_hidden_states is not None and hidden_states.shape[1] == 16:
            query, key = attn.to_q(hidden_states), attn.to_k(encoder_hidden_states)
            heads = (attn.head_to_batch_dim(part) for part in (query, key))
            self.maps.append(attn.get_attention_scores(*heads).unflatten(0, (-1, attn.heads)))
        return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, temb)


def test_sums_are_those_of_the_unet(pipe, batch, alignment):
    word_maps = WordMaps([[((4,), (4, 6))]], (16, 16))
    control = EditControl([[alignment()]], ControlSettings(cross_window=0, self_window=0), 4, (16, 16), word_maps)
    control.rows = Rows([2], [[3]])
    with installed(pipe.unet, RLISettings(alpha=0), control):
        edited = batch(pipe.unet)
        batch(pipe.unet)

    before, recorder = dict(pipe.unet.attn_processors), Recorder()
    assert torch.equal(edited, batch(pipe.unet))
    pipe.unet.set_attn_processor(recorder)
    batch(pipe.unet)
    pipe.unet.set_attn_processor(before)

    maps = 2 * torch.stack([layer.mean(1) for layer in recorder.maps]).sum(0)
    assert len(recorder.maps) == 8
    assert torch.allclose(word_maps.sums[0, 0, 0], maps[2, :, 4], atol=1e-4)
    assert torch.allclose(word_maps.sums[0, 0, 1], maps[3, :, 4] + maps[3, :, 6], atol=1e-4)
