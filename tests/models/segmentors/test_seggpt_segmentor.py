"""What SegGPT is shown, what it learns from, what its paint means; each against the plain equations."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from seggpt_project import PREPARE, SIDE, TINY, build_segmentor, make_samples
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.colours import Colours
from mmseg_ext.models.seggpt.masking import Masking

pytest.importorskip('transformers', reason='SegGPT needs the extra seggpt')
MEAN, STD = (torch.tensor(PREPARE[name])[:, None, None] for name in ('mean', 'std'))


def capture(model: torch.nn.Module) -> list[tuple[tuple, dict]]:
    """What the network is called with from now on."""
    calls = []
    model.network.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append((args, kwargs)), with_kwargs=True
    )
    return calls


def rgb(painted: Tensor) -> Tensor:
    return (painted * STD + MEAN).round()


def test_a_step_paints_prompt_and_query_of_a_sample_with_one_palette():
    model = build_segmentor()
    inputs, samples = make_samples(model, count=3, prompts=2)
    calls = capture(model)
    model.loss(inputs, samples)
    ((query, prompt, above, below, masked), options), *others = calls
    assert not others
    assert options == dict(embedding_type='semantic')
    assert torch.equal(query, inputs)
    assert masked.shape == (3, 32)
    assert masked.sum(1).tolist() == [24] * 3  # three quarters
    colours = []
    for index, sample in enumerate(samples):
        torch.testing.assert_close(rgb(prompt[index]), sample.prompt_img.data[:3].flip(0).float())
        label, shown = sample.gt_sem_seg.data[0], sample.prompt_sem_seg.data[0]
        colours.append(rgb(below[index])[:, label == 1].unique(dim=1))
        assert torch.equal(colours[-1], rgb(above[index])[:, shown == 1].unique(dim=1))
        assert colours[-1].norm() >= 100
        for canvas, where in ((above, shown == 0), (below, label == 0), (below, label == 255)):
            assert not rgb(canvas[index])[:, where].any()
    assert len(torch.cat(colours, dim=1).unique(dim=1)[0]) == 3, 'each sample has a colour of its own'


def test_the_loss_is_that_of_hidden_and_known_pixels():
    model = build_segmentor(beta=0.3)
    inputs, samples = make_samples(model, count=2)
    samples[0].prompt_sem_seg.data[:, 5:9] = 255
    model.network.forward = lambda query, *rest, **options: torch.full((2, 3, 2 * SIDE, SIDE), 0.7)
    calls = []
    draw = model.masking.draw
    object.__setattr__(
        model, 'masking', type('Fixed', (), dict(draw=lambda _, *a: calls.append(draw(*a)) or calls[-1]))()
    )
    torch.manual_seed(3)
    loss = model.loss(inputs, samples)['loss_smooth_l1']
    torch.manual_seed(3)
    canvas = model.paint_canvas(inputs, samples)
    hidden = canvas.masked.reshape(2, 8, 4).repeat_interleave(8, 1).repeat_interleave(8, 2)
    known = torch.stack([torch.cat([s.prompt_sem_seg.data[0], s.gt_sem_seg.data[0]]) for s in samples]) != 255
    where = (hidden & known)[:, None].expand(-1, 3, -1, -1)
    expected = F.smooth_l1_loss(torch.full_like(canvas.target, 0.7)[where], canvas.target[where], beta=0.3)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_defects_may_count_more():
    model = build_segmentor(foreground_weight=7.0)
    inputs, samples = make_samples(model, count=1)
    counted, label = model.paint_canvas(inputs, samples).valid[0, SIDE:], samples[0].gt_sem_seg.data[0]
    for value, weight in {0: 1.0, 1: 7.0, 255: 0.0}.items():
        assert counted[label == value].unique().tolist() == [weight]


def test_the_seed_decides_colours_and_patches():
    model = build_segmentor().eval()
    batch = make_samples(model)
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(model.loss(*batch)['loss_smooth_l1'].item())
    assert losses[0] == losses[1] != losses[2]


def test_a_few_steps_lower_the_loss():
    model = build_segmentor(palette=dict(fixed=True), masking=dict(half_prob=1.0)).train()
    batch = make_samples(model, count=4)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss = model.loss(*batch)['loss_smooth_l1']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_half_masks_come_with_their_probability():
    generator = torch.Generator().manual_seed(0)
    masked = Masking(half_prob=0.3).draw(2000, (8, 4), generator)
    half = (~masked[:, :16]).all(1) & masked[:, 16:].all(1)
    assert half.float().mean().item() == pytest.approx(0.3, abs=0.03)
    assert masked[~half].sum(1).unique().tolist() == [24]
    assert torch.equal(Masking('block', 0.5).draw(2, (8, 4)).sum(1), torch.tensor([16, 16]))


def test_a_prediction_is_the_nearest_colour_of_the_lower_half():
    model = build_segmentor().eval()
    inputs, samples = make_samples(model, count=2, size=(48, 40))
    calls = capture(model)
    with torch.no_grad():
        outputs = model.predict(inputs, copy.deepcopy(samples))
        (query, prompt, target), options = calls[0]
        painted = model.network(query, prompt, target, **options)[:, :, SIDE:]
    assert options == dict(ensemble=1, embedding_type='semantic')
    assert torch.equal(
        query, F.interpolate(inputs, (SIDE, SIDE), mode='bicubic', align_corners=False, antialias=True)
    )
    palette = torch.tensor([[0.0, 0, 0], [255, 255, 255]])
    colours = (painted * STD + MEAN).clamp(0, 255)
    squares = (colours[:, None] - palette[None, :, :, None, None]).square().sum(2)
    logits = -squares / (2 * (0.25 * 3**0.5 * 255) ** 2)
    expected = F.interpolate(logits, (48, 40), mode='bilinear', align_corners=False)
    for index, output in enumerate(outputs):
        torch.testing.assert_close(output.seg_logits.data, expected[index], rtol=1e-4, atol=1e-4)
        assert torch.equal(output.pred_sem_seg.data[0], output.seg_logits.data.argmax(0))
        assert output.gt_sem_seg.data.shape == (1, 48, 40)


def test_prompts_of_a_sample_are_its_own_pairs_resized():
    model = build_segmentor().eval()
    _, (sample,) = make_samples(model, count=1, prompts=2, size=(64, 64))
    sample.prompt_sem_seg.data[1] = 255
    prompts = model.prompts_of(sample)
    assert prompts.images.shape == prompts.targets.shape == (2, 3, SIDE, SIDE)
    assert not rgb(prompts.targets[1]).any(), 'ignored pixels are painted as background'
    values = rgb(prompts.targets[0]).unique()
    assert values.tolist() == [0, 255], 'labels are not mixed by resizing'
    centres = sample.prompt_sem_seg.data[0][1::2, 1::2]  # of pixels twice as large
    assert torch.equal(rgb(prompts.targets[0])[0] == 255, centres == 1)
    sample.prompt_sem_seg = PixelData(data=torch.zeros(1, 64, 64, dtype=torch.long))
    with pytest.raises(UsageError, match='2 prompts have 1 labels'):
        model.prompts_of(sample)


@pytest.mark.parametrize('together', [True, False])
def test_prompts_answer_together_or_each_alone(together):
    model = build_segmentor(test_cfg=dict(prompt_ensemble=together)).eval()
    inputs, samples = make_samples(model, count=2, prompts=3)
    several = [model.prompts_of(sample) for sample in samples]
    calls = capture(model)
    with torch.no_grad():
        logits = model.inference(inputs, [dict(prompts=each) for each in several])
        assert calls[0][1]['ensemble'] == (3 if together else 1)
        assert torch.equal(calls[0][0][0], inputs.repeat_interleave(3, 0))
        alone = [
            model.inference(inputs[:1], [dict(prompts=model.make_prompts([image], [label]))])
            for image, label in zip(
                samples[0].prompt_img.data.split(3), samples[0].prompt_sem_seg.data, strict=True
            )
        ]
    mean = torch.stack(alone).mean(0)[0]
    assert torch.allclose(logits[0], mean, atol=1e-4) is not together


def test_queries_may_have_different_numbers_of_prompts():
    model = build_segmentor().eval()
    inputs, samples = make_samples(model, count=2, prompts=2)
    one, two = model.prompts_of(samples[0]), model.prompts_of(samples[1])
    one = model.make_prompts(samples[0].prompt_img.data.split(3)[:1], [samples[0].prompt_sem_seg.data[0]])
    with torch.no_grad():
        both = model.inference(inputs, [dict(prompts=one), dict(prompts=two)])
        for index, prompts in enumerate((one, two)):
            single = model.inference(inputs[index : index + 1], [dict(prompts=prompts)])
            torch.testing.assert_close(both[index], single[0], rtol=1e-4, atol=1e-4)


def test_the_gate_silences_what_does_not_lead_back():
    model = build_segmentor(test_cfg=dict(gate=1.0)).eval()
    inputs, samples = make_samples(model, count=2)
    model.network.forward = lambda query, *rest, **options: ((255 - MEAN) / STD).expand(len(query), 3, 64, 32)
    with torch.no_grad():
        assert not any(output.pred_sem_seg.data.any() for output in model.predict(inputs, copy.deepcopy(samples)))
        model.test_cfg['gate'] = 0.0
        assert all(output.pred_sem_seg.data.all() for output in model.predict(inputs, samples))


def test_prompts_that_are_set_answer_samples_without_their_own():
    model = build_segmentor().eval()
    inputs, bare = make_samples(model, prompts=0)
    with pytest.raises(UsageError, match='no prompt says what to segment'):
        model.predict(inputs, bare)
    _, samples = make_samples(model, seed=1)
    model.set_prompts(model.prompts_of(samples[0]))
    with torch.no_grad():
        set_before = model.predict(inputs, bare)[0].seg_logits.data
        expected = model.inference(inputs, [dict(prompts=model.prompts)] * 2)[0]
        own = model.inference(inputs, [dict(prompts=model.prompts_of(samples[1]))] * 2)[0]
    assert torch.equal(set_before, expected)
    assert not torch.equal(own, expected)
    model.set_prompts(None)
    with pytest.raises(UsageError, match='no prompt'):
        model.predict(inputs, bare)


def test_options_that_make_no_sense_are_refused():
    for said, options in {
        'mode=.tune.: expected finetune, incontext, zeroshot': dict(mode='tune'),
        'num_classes=None; wire it': dict(num_classes=None),
        'needs mean and std': dict(data_preprocessor=dict(type='BatchDataPreProcessor', size=(32, 32))),
        'leave auxiliary_head empty': dict(auxiliary_head=[dict()]),
        "masking.kind='blocks'": dict(masking=dict(kind='blocks')),
        'masking.ratio=75': dict(masking=dict(ratio=75)),
        'half_prob=2': dict(masking=dict(half_prob=2)),
        'classes 0 and 1 have colours': dict(palette=dict(fixed=[[0, 0, 0], [0, 0, 0]])),
        'classes need as many RGB': dict(palette=dict(fixed=[[0, 0, 0]])),
        'no room for 2 random colours': dict(palette=dict(min_distance=500)),
        'foreground_weight=0': dict(foreground_weight=0),
        'gate 3': dict(test_cfg=dict(gate=3)),
        'a learnt prompt shows no label': dict(test_cfg=dict(gate=0.1), mode='incontext'),
        'learnable_prompt.num=0': dict(mode='incontext', learnable_prompt=dict(num=0)),
        'learnable_prompt.init=': dict(mode='incontext', learnable_prompt=dict(init='zeros')),
        'keeps painted masks': dict(mode='incontext', learnable_prompt=dict(learn='image')),
        'give learnable_prompt.pair': dict(mode='incontext', learnable_prompt=dict(init='pair')),
    }.items():
        with pytest.raises(UsageError, match=said):
            build_segmentor(**options)
    with pytest.raises(UsageError, match='not a multiple of the patch'):
        build_segmentor(network=dict(config=dict(TINY, image_size=(72, 36))))
    with pytest.raises(TypeError):
        build_segmentor(losses=3)


def test_a_decode_head_may_state_the_classes():
    assert build_segmentor(num_classes=None, decode_head=dict(num_classes=3)).num_classes == 3


def test_samples_that_do_not_fit_are_refused():
    model = build_segmentor()
    inputs, samples = make_samples(model, size=(40, 40))
    with pytest.raises(UsageError, match=r'learns from 32 x 32 px.* these are 40 x 40'):
        model.loss(inputs, samples)
    with pytest.raises(UsageError, match='no prompt_img; SegGPT learns from pairs'):
        model.loss(*make_samples(model, prompts=0))
    with pytest.raises(UsageError, match='learns nothing'):
        build_segmentor(mode='zeroshot').loss(*make_samples(model))
    image, label = torch.zeros(3, 8, 9, dtype=torch.uint8), torch.zeros(9, 8, dtype=torch.uint8)
    with pytest.raises(UsageError, match='a prompt of 9 x 8 px has a label of 8 x 9 px'):
        model.make_prompts([image], [label])


def test_palettes_of_all_kinds():
    generator = torch.Generator().manual_seed(0)
    assert Colours(2).standing().tolist() == [[0, 0, 0], [255, 255, 255]]
    assert Colours(3, fixed=[[1, 2, 3], [40, 50, 60], [7, 8, 90]]).draw(2).shape == (2, 3, 3)
    assert Colours(2, fixed=True).draw(2).tolist() == [[[0, 0, 0], [255, 255, 255]]] * 2
    drawn = Colours(2, background=None).draw(3, generator)
    assert drawn[:, 0].any(), 'the background is random too'
    assert Colours(2, background=None).standing()[0].tolist() == [0, 0, 0]
