"""What the attention layers do under an edit, against explicit attention maps."""

import pytest
import torch
import torch.nn.functional as F

from augment.attention.align import Alignment
from augment.attention.control import EditControl
from augment.attention.install import installed, place_of
from augment.attention.processors import ControlProcessor, ResidualProcessor
from augment.attention.rows import Rows
from augment.config.settings import ControlSettings, RLISettings

OFF = RLISettings(alpha=0)
ROWS = Rows([2], [[3]])
MAPPER = [0, 1, 2, 3, 4, -1, -1, 5, *range(8, 77)]


@pytest.fixture
def controlled(alignment):
    """A control of the default prompts in 4 steps: of cross-attention in the first two, of the other in one."""

    def made(alignments=None, rows=ROWS, step=0, **settings):
        settings = {'cross_window': 0.4, 'self_window': 0.3, **settings}
        control = EditControl(
            alignments or [[alignment(equalize={'peeling': 2})]], ControlSettings(**settings), 4, (16, 16)
        )
        control.rows, control.step = rows, step
        return control

    return made


def queries(rows=4, tokens=16, context=77, heads=2):
    """Queries and keys, (rows, heads, tokens or context, 8), and values that make attention write its own map."""
    generator = torch.Generator().manual_seed(1)
    query, key = (torch.randn(rows, heads, count, 8, generator=generator) for count in (tokens, context))
    return 2 * query, 2 * key, torch.eye(context).expand(rows, heads, context, context)


def explicit(query, key):
    """Attention maps as the formula has them."""
    scores = torch.einsum('bhid,bhjd->bhij', query, key) / query.shape[-1] ** 0.5
    return scores.exp() / scores.exp().sum(-1, keepdim=True)


class ExplicitProcessor:
    """Prompt-to-prompt as it is published, with maps written down: row 3 from row 2."""

    def __init__(self, place, alignment):
        self.place, self.alignment = place, alignment

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        heads = [linear.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for linear in (
            attn.to_q(hidden_states), attn.to_k(context), attn.to_v(context)
        )]  # fmt: skip
        maps = explicit(*heads[:2])
        if self.place.endswith('cross'):
            mix, made = self.alignment.mix, maps[2] @ self.alignment.projection
            maps[3] = (mix * made + (1 - mix) * maps[3]) * self.alignment.equalizer
        elif hidden_states.shape[1] <= 16:
            maps[3] = maps[2]
        return attn.to_out[0]((maps @ heads[2]).transpose(1, 2).flatten(2))


def test_a_control_without_rows_changes_nothing(pipe, batch, controlled):
    before = batch(pipe.unet)
    for rows in (None, Rows([None], [[None]])):
        with installed(pipe.unet, OFF, controlled(rows=rows, equalizer_window='all')):
            assert torch.equal(batch(pipe.unet), before)


def test_attention_equals_the_explicit_map():
    query, key, value = queries()

    assert torch.allclose(ResidualProcessor().attend(query, key, value), explicit(query, key), atol=2e-6)


def test_the_whole_unet_equals_prompt_to_prompt_with_explicit_maps(pipe, batch, alignment, controlled):
    before, made = dict(pipe.unet.attn_processors), alignment(equalize={'peeling': 2})
    with installed(pipe.unet, OFF, controlled([[made]])):
        edited = batch(pipe.unet)

    pipe.unet.set_attn_processor({name: ExplicitProcessor(place_of(name), made) for name in before})
    expected = batch(pipe.unet)
    pipe.unet.set_attn_processor(before)

    assert torch.allclose(edited, expected, atol=2e-5)
    assert not torch.allclose(batch(pipe.unet)[3], expected[3], atol=1e-2)


def test_known_words_take_the_map_of_the_source_and_new_ones_keep_their_own(controlled):
    query, key, value = queries()
    maps = explicit(query, key)

    made = ControlProcessor('up.cross', 0, controlled()).attend(query, key, value)[3]

    for column, row in enumerate(MAPPER):
        factor = 2 if column == 6 else 1
        expected = maps[3, ..., column] if row < 0 else maps[2, ..., row]
        assert torch.allclose(made[..., column], factor * expected, atol=2e-6)


def test_source_and_unconditional_rows_are_not_touched(pipe, batch, controlled):
    query, key, value = queries()
    plain = ResidualProcessor().attend(query, key, value)

    made = ControlProcessor('up.cross', 0, controlled()).attend(query, key, value)

    assert torch.equal(made[:3], plain[:3])
    assert not torch.allclose(made[3], plain[3], atol=1e-2)

    before = batch(pipe.unet)
    with installed(pipe.unet, OFF, controlled()):
        after = batch(pipe.unet)
    assert torch.equal(after[:3], before[:3])
    assert not torch.allclose(after[3], before[3], atol=1e-3)


def test_rows_sum_to_one_plus_what_the_factor_adds(alignment, controlled):
    query, key, value = queries()
    same = alignment('photo of a crack', equalize={'crack': 3})

    made = ControlProcessor('up.cross', 0, controlled([[same]])).attend(query, key, value)

    mass = explicit(query, key)[2, ..., 4]
    assert torch.allclose(made[3].sum(-1), 1 + 2 * mass, atol=2e-6)
    assert torch.allclose(made[:3].sum(-1), torch.ones(3, 2, 16), atol=2e-6)


def test_replacement_sums_and_shares_maps(alignment, controlled):
    query, key, value = queries()
    weights = torch.zeros(77, 77)
    weights[0, 0] = weights[3, 1] = weights[4, 1] = 1
    weights[5, 2] = weights[5, 3] = 0.5
    made = alignment('photo of a dent', mode='replace')

    control = controlled([[Alignment(weights, made.mix, made.equalizer)]])
    result = ControlProcessor('up.cross', 0, control).attend(query, key, value)[3]

    source = explicit(query, key)[2]
    expected = [source[..., 0], source[..., 3] + source[..., 4], source[..., 5] / 2, source[..., 5] / 2]
    assert torch.allclose(result[..., :4], torch.stack(expected, -1), atol=2e-6)
    assert result[..., 4:].abs().max() == 0


def test_equal_prompts_and_latents_give_the_source_bit_for_bit(pipe, batch, alignment, controlled):
    for part in (batch.latents, batch.seq, batch.pooled):
        part[3] = part[2]
    with installed(pipe.unet, RLISettings(), controlled([[alignment('photo of a crack')]])):
        made = batch(pipe.unet)

    assert torch.equal(made[3], made[2])


def test_self_attention_of_the_source_is_taken_by_its_queries_and_keys(controlled):
    query, key, value = queries(context=16)
    maps = explicit(query, key)

    made = ControlProcessor('up.self', 0, controlled()).attend(query, key, value)

    assert torch.allclose(made, maps[[0, 1, 2, 2]], atol=2e-6)
    assert not torch.allclose(maps[2], maps[3], atol=1e-1)


def test_self_attention_keeps_the_values_of_the_target(controlled):
    query, key, _ = queries(context=16)
    value = torch.randn(4, 2, 16, 8, generator=torch.Generator().manual_seed(2))

    made = ControlProcessor('up.self', 0, controlled()).attend(query, key, value)

    assert torch.allclose(made[3], explicit(query, key)[2] @ value[3], atol=2e-6)


@pytest.mark.parametrize(
    ('limit', 'tokens', 'taken'),
    [('auto', 16, True), ('auto', 17, False), ('all', 400, True), (20, 20, True), (20, 21, False), (0, 1, False)],
)
def test_self_attention_is_left_alone_above_the_limit(controlled, limit, tokens, taken):
    query, key, value = queries(tokens=tokens, context=tokens)
    processor = ControlProcessor('up.self', 0, controlled(self_limit=limit))

    made = processor.attend(query, key, value)

    assert torch.equal(made, ResidualProcessor().attend(query, key, value)) is not taken


@pytest.mark.parametrize(('step', 'cross', 'own'), [(0, True, True), (1, True, False), (2, False, False)])
def test_attention_is_left_alone_after_its_window(controlled, step, cross, own):
    for place, context, taken in (('mid.cross', 77, cross), ('mid.self', 16, own)):
        query, key, value = queries(context=context)
        made = ControlProcessor(place, 0, controlled(step=step)).attend(query, key, value)
        assert torch.equal(made, ResidualProcessor().attend(query, key, value)) is not taken


def test_factors_stay_after_the_window_where_they_are_asked_to(controlled):
    query, key, value = queries()
    control = controlled(step=3, equalizer_window='all', rows=Rows([None], [[3]]))

    made = ControlProcessor('up.cross', 0, control).attend(query, key, value)

    maps = explicit(query, key)
    maps[3, ..., 6] *= 2
    assert torch.allclose(made, maps, atol=2e-6)


def test_the_end_of_the_window_is_noticed_by_the_same_rows(controlled):
    parts = queries()
    control = controlled(equalizer_window='all')
    inside = ControlProcessor('up.cross', 0, control).attend(*parts)
    control.step = 3

    after = ControlProcessor('up.cross', 0, control).attend(*parts)

    fresh = controlled(step=3, equalizer_window='all')
    assert torch.equal(after, ControlProcessor('up.cross', 0, fresh).attend(*parts))
    assert not torch.allclose(after[3], inside[3], atol=1e-2)


def test_any_mixture_follows_the_formula(controlled):
    query, key, value = queries()
    generator = torch.Generator().manual_seed(4)
    mix, factors, projection = (torch.rand(*size, generator=generator) for size in ((77,), (77,), (77, 77)))

    control = controlled([[Alignment(projection, mix, factors)]])
    made = ControlProcessor('up.cross', 0, control).attend(query, key, value)[3]

    maps = explicit(query, key)
    expected = factors * (mix * (maps[2] @ projection) + (1 - mix) * maps[3])
    assert torch.allclose(made, expected, atol=2e-6)


def test_several_images_and_targets_in_any_order_of_rows(alignment, controlled):
    query, key, value = queries(rows=7)
    insert, same = alignment(equalize={'peeling': 2}), alignment('photo of a crack', equalize={'crack': 3})
    edits = {6: (2, insert), 0: (2, same), 5: (4, same), 1: (4, insert)}
    control = controlled([[insert, same], [same, insert]], rows=Rows([2, 4], [[6, 0], [5, 1]]))

    made = ControlProcessor('up.cross', 0, control).attend(query, key, value)

    maps = explicit(query, key)
    expected = maps.clone()
    for row, (source, edit) in edits.items():
        taken = edit.mix * (maps[source] @ edit.projection) + (1 - edit.mix) * maps[row]
        expected[row] = edit.equalizer * taken
    assert torch.allclose(made, expected, atol=2e-6)


def test_targets_can_go_through_one_by_one(alignment, controlled):
    query, key, value = queries()
    edits = [[alignment(), alignment('photo of a crack', equalize={'crack': 3})]]
    together = controlled(edits, rows=Rows([1], [[2, 3]]))
    both = ControlProcessor('up.cross', 0, together).attend(query, key, value)

    for target, row in ((0, 2), (1, 3)):
        together.rows = Rows([1], [[row if k == target else None for k in range(2)]])
        alone = ControlProcessor('up.cross', 0, together).attend(query, key, value)
        assert torch.allclose(alone[row], both[row], atol=1e-6)


def test_half_precision_is_that_of_the_layer(controlled):
    query, key, value = (part.bfloat16() for part in queries())

    made = ControlProcessor('up.cross', 0, controlled()).attend(query, key, value)

    maps = explicit(query.float(), key.float())
    assert made.dtype == torch.bfloat16
    assert torch.allclose(made[3, ..., 6].float(), 2 * maps[3, ..., 6], atol=2e-2)
    assert torch.allclose(made[3, ..., 4].float(), maps[2, ..., 4], atol=2e-2)


def test_rli_holds_under_control_too(pipe, batch, controlled):
    with installed(pipe.unet, RLISettings(alpha=0.3)):
        expected = batch(pipe.unet)
    with installed(pipe.unet, RLISettings(alpha=0.3), controlled(step=3)):
        assert torch.equal(batch(pipe.unet), expected)


def test_values_are_not_written_to(controlled):
    query, key, value = (part.clone() for part in queries())
    copies = [part.clone() for part in (query, key, value)]

    ControlProcessor('up.cross', 0, controlled()).attend(query, key, value)

    assert all(torch.equal(part, copy) for part, copy in zip((query, key, value), copies, strict=True))


def test_scaled_dot_product_attention_is_all_that_is_called(controlled, monkeypatch):
    shapes = []
    real = F.scaled_dot_product_attention
    monkeypatch.setattr(
        F,
        'scaled_dot_product_attention',
        lambda *parts: shapes.append([len(part) for part in parts]) or real(*parts),
    )
    ControlProcessor('up.cross', 0, controlled()).attend(*queries())

    assert shapes == [[4, 4, 4], [1, 1, 1]]
