"""SegGPT looking closely: photographs and prompts in tiles."""

import pytest
import torch
from seggpt_project import build_segmentor, make_samples

from mmseg_ext.errors import UsageError


def test_tiles_are_answered_by_tiles_of_the_prompt():
    model = build_segmentor(test_cfg=dict(split=2, prompt_tiles='all')).eval()
    inputs, samples = make_samples(model, count=1, prompts=1, size=(64, 48))
    with torch.no_grad():
        (found,) = model.predict(inputs, samples)
        model.test_cfg['split'] = 1
        images, labels = [], []
        for rows in (slice(0, 32), slice(32, 64)):
            for columns in (slice(0, 24), slice(24, 48)):
                images.append(samples[0].prompt_img.data[:, rows, columns])
                labels.append(samples[0].prompt_sem_seg.data[0, rows, columns])
        prompts = model.make_prompts(images, labels)
        corner = model.inference(inputs[:, :, 32:, :24], [dict(prompts=prompts)])[0]
    assert found.seg_logits.data.shape == (2, 64, 48)
    torch.testing.assert_close(found.seg_logits.data[:, 32:, :24], corner)


def test_stitched_tiles_cover_the_photograph():
    model = build_segmentor(test_cfg=dict(split=3, stitch=True)).eval()
    inputs, samples = make_samples(model, count=2, prompts=1, size=(64, 48))
    with torch.no_grad():
        logits = model(inputs, samples)
    assert logits.shape == (2, 2, 64, 48)
    assert logits.isfinite().all()


def test_a_config_that_does_not_go_together():
    with pytest.raises(UsageError, match='stitch: there is one tile'):
        build_segmentor(test_cfg=dict(stitch=True))
