"""The graph of an exported file computes, in torch, what the predictor gives for the same image."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tiny_project import Project, make_project

from mmseg_ext.export.graph import PlainGraph
from mmseg_ext.inference import Predictor, Tiling


@pytest.fixture(scope='module')
def project(tmp_path_factory) -> Project:
    return make_project(tmp_path_factory.mktemp('project'))


def predictor(project: Project, **options) -> Predictor:
    """A predictor with random weights under the tiny recipe with these overrides."""
    cfg = project.config(**options)
    init_default_scope('mmseg')
    torch.manual_seed(0)
    torch.save({'state_dict': MODELS.build(cfg.model).state_dict()}, project.root / 'random.pth')
    return Predictor(cfg, project.root / 'random.pth', 'cpu', Tiling('none'))


OPTIONS = {
    'as the recipe is': {},
    'a network for BGR': {'model__data_preprocessor__bgr_to_rgb': False},
    'no normalisation': {'model__data_preprocessor__mean': None, 'model__data_preprocessor__std': None},
    'padded to a size': {'+model__data_preprocessor__test_cfg': dict(_delete_=True, size=(96, 128))},
    'padded with another value': {'model__data_preprocessor__pad_val': 3},
    'one logit': {
        '+model__decode_head__out_channels': 1,
        '+model__decode_head__threshold': 0.5,
        'model__decode_head__num_classes': 2,
    },
}


@pytest.mark.parametrize('name', OPTIONS)
@pytest.mark.parametrize('size', [(64, 96), (71, 83), (33, 200)])
def test_equals_the_predictor(project, name, size):
    options = dict(OPTIONS[name])
    if name == 'one logit':
        options['test_dataloader__dataset__metainfo__classes'] = ['background', 'blob']
        options['model__auxiliary_head'] = []
    model = predictor(project, **options)
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    mask, scores = model.predict(image)
    with torch.inference_mode():
        probabilities, masks = PlainGraph(model.model)(torch.from_numpy(image[None, ..., ::-1].copy()))
    assert probabilities.shape == (1, *scores.shape)
    np.testing.assert_allclose(probabilities[0], scores, atol=1e-6)
    assert (masks[0].numpy() == mask).mean() > 0.9999
    assert masks.dtype == torch.uint8


def test_a_batch_is_its_images_one_by_one(project):
    graph = PlainGraph(predictor(project).model)
    images = torch.randint(0, 256, (3, 40, 50, 3), dtype=torch.uint8)
    with torch.inference_mode():
        together, alone = graph(images)[0], torch.cat([graph(image[None])[0] for image in images])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
