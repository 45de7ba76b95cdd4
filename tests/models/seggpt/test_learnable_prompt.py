"""A prompt is learnt and nothing else; it starts from what it should, and survives its file."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from seggpt_project import SIDE, build_segmentor, make_samples

from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.learnable_prompt import LearnablePrompt
from mmseg_ext.models.seggpt.prompts import Prompts

pytest.importorskip('transformers', reason='SegGPT needs the extra seggpt')


def tuned(steps: int = 0, rate: float = 0.1, **options: object) -> torch.nn.Module:
    """A model that has learnt a prompt for so many steps; ``losses`` are those of the steps."""
    model = build_segmentor(mode='incontext', num_classes=3, learnable_prompt=options).train()
    with torch.no_grad():  # as small as weights begin, nothing in the picture would change what is painted
        for each in model.network.parameters():
            each.mul_(6)
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.0)
    batch, model.losses = make_samples(model, prompts=0, classes=3), []
    for sample in batch[1]:
        sample.gt_sem_seg.data[:] = 1
    for _ in range(steps):
        loss = model.loss(*batch)['loss_smooth_l1']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.losses.append(loss.item())
    return model


def write_pair(folder: Path, size: tuple[int, int] = (40, 48)) -> tuple[str, str]:
    """A photograph, BGR (10, 100, 200), and a label whose right half is 1."""
    image, label = np.full((*size, 3), (10, 100, 200), np.uint8), np.zeros(size, np.uint8)
    label[:, size[1] // 2 :] = 1
    cv2.imwrite(str(folder / 'a.png'), image)
    cv2.imwrite(str(folder / 'a_label.png'), label)
    return str(folder / 'a.png'), str(folder / 'a_label.png')


def test_at_448_pixels_1204224_numbers_are_learnt():
    prompt = LearnablePrompt(448)
    assert sum(each.numel() for each in prompt.parameters() if each.requires_grad) == 1_204_224
    assert sum(each.numel() for each in LearnablePrompt(448, num=3).parameters()) == 3 * 1_204_224


@pytest.mark.parametrize('num', [1, 2])
def test_the_prompt_learns_and_the_network_does_not(num):
    model = tuned(0, num=num)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    after = tuned(40, num=num)
    assert after.losses[-1] < 0.95 * after.losses[0]
    changed = {name for name, value in after.state_dict().items() if not torch.equal(value, weights[name])}
    assert changed == {'learnable.image', 'learnable.target'}
    learnt = sum(each.numel() for each in after.parameters() if each.requires_grad)
    assert learnt == num * 2 * 3 * SIDE * SIDE
    assert not after.network.training, 'the network answers as in prediction, without drop path'
    assert all((each.grad != 0).any(dim=(1, 2, 3)).all() for each in after.learnable.parameters())


def test_only_the_query_counts_and_its_colours_are_fixed():
    model = tuned()
    inputs, samples = make_samples(model, prompts=0, classes=3)
    canvases = [model.paint_canvas(inputs, samples) for _ in range(2)]
    for canvas in canvases:
        assert torch.equal(canvas.target, canvases[0].target)
        assert canvas.masked.nonzero()[:, 1].min() == 16
        assert canvas.masked.sum(1).tolist() == [16, 16]
        assert not canvas.valid[:, :SIDE].any()
        assert torch.equal(canvas.valid[0, SIDE:] > 0, samples[0].gt_sem_seg.data[0] != 255)
        assert canvas.palettes[0].tolist() == [[0, 0, 0], [255, 255, 255], [0, 0, 255]]


def test_what_it_starts_from(tmp_path):
    noise = build_segmentor(mode='incontext')
    noise.init_weights()
    assert noise.learnable.image.std().item() == pytest.approx((2 / (3 * SIDE * SIDE)) ** 0.5, rel=0.1)
    mean = build_segmentor(mode='incontext', learnable_prompt=dict(init='mean'))
    assert not mean.learnable.image.any()
    assert not mean.learnable.target.any()
    pair = write_pair(tmp_path)
    options = dict(init='pair', pair=pair, learn='image')
    model = build_segmentor(mode='incontext', learnable_prompt=options)
    model.init_weights()
    colours = model.paint.colours_of(model.learnable.image)
    torch.testing.assert_close(colours[0, :, 3, 4], torch.tensor([200.0, 100, 10]))
    painted = model.paint.colours_of(model.learnable.target).round()[0, 0]
    assert painted[:, : SIDE // 2].unique().tolist() == [0]
    assert painted[:, SIDE // 2 :].unique().tolist() == [255]
    assert [name for name, each in model.named_parameters() if each.requires_grad] == ['learnable.image']


@pytest.mark.parametrize(
    ('spoil', 'said'),
    [
        (lambda folder: (folder / 'a_label.png').unlink(), 'a_label.png'),
        (lambda folder: (folder / 'a.png').write_bytes(b'nothing'), 'cannot be decoded'),
        (lambda folder: cv2.imwrite(str(folder / 'a_label.png'), np.full((40, 48), 7, np.uint8)), r'values \[7\]'),
        (lambda folder: cv2.imwrite(str(folder / 'a_label.png'), np.zeros((4, 8), np.uint8)), 'label of 8 x 4 px'),
    ],
)
def test_a_pair_that_is_none_is_refused(tmp_path, spoil, said):
    pair = write_pair(tmp_path)
    spoil(tmp_path)
    model = build_segmentor(mode='incontext', learnable_prompt=dict(init='pair', pair=[pair]))
    with pytest.raises(UsageError, match=said):
        model.init_weights()


def test_what_is_learnt_survives_its_file_and_answers_in_the_same_model(tmp_path):
    model, file = tuned(3, num=2).eval(), tmp_path / 'prompt.safetensors'
    model.learnt_prompts(('background', 'a', 'b')).save(file)
    assert file.stat().st_size < 2 * 2 * 3 * SIDE * SIDE * 2 + 1000
    prompts = Prompts.load(file)
    assert prompts.classes == ('background', 'a', 'b')
    torch.testing.assert_close(prompts.images, model.learnable.image.detach(), rtol=1e-3, atol=1e-3)
    assert prompts.palette.tolist() == [[0, 0, 0], [255, 255, 255], [0, 0, 255]]
    plain = build_segmentor(num_classes=3).eval()
    plain.load_state_dict({name: value for name, value in model.state_dict().items() if 'learnable' not in name})
    plain.set_prompts(prompts)
    inputs, samples = make_samples(model, prompts=0, classes=3)
    with torch.no_grad():
        learnt, loaded = (each.predict(inputs, samples)[0].seg_logits.data.clone() for each in (model, plain))
    torch.testing.assert_close(loaded, learnt, rtol=1e-2, atol=1e-2)


def test_samples_own_prompts_do_not_answer_for_a_learnt_one():
    model = tuned(1).eval()
    _, samples = make_samples(model, classes=3)
    learnt = model.learnt_prompts()
    assert torch.equal(model.prompts_of(samples[0]).images, learnt.images)
    other = Prompts(learnt.images + 1, learnt.targets, learnt.palette, learnt.mean, learnt.std)
    model.set_prompts(other)
    assert torch.equal(model.prompts_of(samples[0]).images, other.images)


def test_files_that_are_no_prompts_are_refused(tmp_path):
    with pytest.raises(UsageError, match='no such prompt file'):
        Prompts.load(tmp_path / 'absent.safetensors')
    (tmp_path / 'broken.safetensors').write_bytes(b'0123456789')
    with pytest.raises(UsageError, match='no prompt file, or a damaged one'):
        Prompts.load(tmp_path / 'broken.safetensors')
    save_file(dict(images=torch.zeros(2)), tmp_path / 'other.safetensors')
    with pytest.raises(UsageError, match=r'other\.safetensors: no prompt file'):
        Prompts.load(tmp_path / 'other.safetensors')


def test_prompts_of_another_network_are_refused(tmp_path):
    model = tuned()
    learnt = model.learnt_prompts()
    learnt.save(tmp_path / 'prompt.safetensors')
    assert load_file(tmp_path / 'prompt.safetensors')['images'].dtype == torch.float16
    model.set_prompts(Prompts.load(tmp_path / 'prompt.safetensors'))
    half = Prompts(learnt.images[..., :16, :16], learnt.targets[..., :16, :16], *others(learnt))
    with pytest.raises(UsageError, match='prompts of 16 px, the network takes 32'):
        model.set_prompts(half)
    with pytest.raises(UsageError, match='prompts of 3 classes, the model has 2'):
        build_segmentor().set_prompts(learnt)
    with pytest.raises(UsageError, match='prompts normalised with mean'):
        model.set_prompts(Prompts(learnt.images, learnt.targets, learnt.palette, learnt.mean + 1, learnt.std))
    with pytest.raises(UsageError, match='no pairs of one size'):
        Prompts(learnt.images, learnt.targets[..., :16], *others(learnt))


def others(prompts: Prompts) -> tuple:
    return prompts.palette, prompts.mean, prompts.std
