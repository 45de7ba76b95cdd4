"""Networks of segmentation_models_pytorch train, predict, export and report like all others."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from crack_images import make_cracks
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from tool_runner import run_tool
from torch import Tensor, nn

import mmseg_ext.models  # noqa: F401 registers what is tested
from mmseg_ext.engine import pretrained
from mmseg_ext.engine.heads import deciding_config, single_logit_problems, threshold_problems
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import class_problems
from mmseg_ext.engine.pretrained import find_weights, settle_pretrained
from mmseg_ext.errors import UsageError
from mmseg_ext.models.segmentors.smp_package import build_network, encoder_weights, load_smp

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
LEAF = CONFIGS / 'smp/smp_deeplabv3plus_r101_focal_dice_1xb8-40k_indoor-512x512.py'
SMALL = dict(arch='Unet', encoder_name='resnet18', arch_options=dict(decoder_channels=(16, 8, 8, 8, 8)))
COMBINATIONS = [
    ('Unet', 'resnet18'),
    ('UnetPlusPlus', 'mobilenet_v2'),
    ('MAnet', 'efficientnet-b0'),
    ('Linknet', 'resnet18'),
    ('FPN', 'tu-mobilenetv3_small_050'),
    ('PSPNet', 'mobileone_s0'),
    ('DeepLabV3', 'resnet18'),
    ('DeepLabV3Plus', 'mobilenet_v2'),
    ('PAN', 'resnet18'),
    ('UPerNet', 'mit_b0'),
    ('Segformer', 'mit_b0'),
    ('DPT', 'tu-vit_tiny_patch16_224'),
]
SIZE = (100, 120)  # multiples of no stride; PAN needs 128 pixels after padding


def built(**options: object) -> nn.Module:
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return MODELS.build(dict(type='SMPSegmentor', **dict(SMALL, num_classes=3) | options))


def samples(size: tuple[int, int] = SIZE, classes: int = 3) -> list[SegDataSample]:
    """Two labels of random classes, the upper rows ignored."""
    labels = torch.randint(0, classes, (2, 1, *size), generator=torch.Generator().manual_seed(1))
    labels[:, :, :7] = 255
    meta = dict(img_shape=size, pad_shape=size, ori_shape=size)
    return [SegDataSample(gt_sem_seg=PixelData(data=label), metainfo=meta) for label in labels]


def images(size: tuple[int, int] = SIZE) -> Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize(('arch', 'encoder'), COMBINATIONS, ids=map('-'.join, COMBINATIONS))
def test_every_architecture_takes_a_step_and_predicts_at_the_size_of_the_image(smp, arch, encoder):
    options = dict(dynamic_img_size=True) if arch == 'DPT' else {}
    losses = [dict(type='MaskedCrossEntropyLoss'), dict(type='SoftDiceLoss')]
    model = built(arch=arch, encoder_name=encoder, arch_options=options, loss_decode=losses).train()
    size = (128, 120) if arch == 'PAN' else SIZE
    terms = model(images(size), samples(size), mode='loss')
    assert list(terms) == ['decode.loss_ce', 'decode.loss_dice']
    model.parse_losses(terms)[0].backward()
    assert all(weight.grad.isfinite().all() for weight in model.parameters() if weight.grad is not None)
    learning = [name for name, weight in model.named_parameters() if weight.grad is not None and weight.grad.any()]
    assert {'encoder', 'decoder', 'segmentation_head'} == {name.split('.')[2] for name in learning}
    with torch.no_grad():
        (sample, _) = model.eval()(images(size), samples(size), mode='predict')
    assert sample.seg_logits.data.shape == (3, *size)
    assert sample.pred_sem_seg.data.shape == (1, *size)


def test_there_are_as_many_weights_as_the_published_network_has(smp):
    model = built(arch='DeepLabV3Plus', encoder_name='resnet101', num_classes=10, arch_options={})
    assert sum(weight.numel() for weight in model.parameters()) == 45_672_026


def test_logits_are_those_of_the_package(smp):
    model = built().eval()
    theirs = smp.Unet('resnet18', encoder_weights=None, classes=3, **SMALL['arch_options']).eval()
    theirs.load_state_dict(model.backbone.network.state_dict())
    inputs = images((64, 96))
    with torch.no_grad():
        assert torch.equal(model(inputs, mode='tensor'), theirs(inputs))


@pytest.mark.parametrize('size', [(64, 96), (33, 70), (1, 95)])
def test_an_image_is_padded_at_the_right_and_at_the_bottom(smp, size):
    model = built().eval()
    padded = torch.zeros(2, 3, 64, 96)
    padded[..., : size[0], : size[1]] = images(size)
    padded = padded[:, :, : -(-size[0] // 32) * 32]
    with torch.no_grad():
        logits, whole = model(images(size), mode='tensor'), model.backbone.network(padded)
    assert torch.equal(logits, whole[..., : size[0], : size[1]])


def test_the_loss_is_that_of_the_logits_without_the_ignored_rows(smp):
    model = built(loss_decode=dict(type='MaskedCrossEntropyLoss', loss_weight=2.0)).eval()
    label = torch.stack([sample.gt_sem_seg.data[0] for sample in samples()])
    with torch.no_grad():
        loss = model(images(), samples(), mode='loss')['decode.loss_ce']
        logits = model(images(), mode='tensor')
    by_hand = nn.functional.cross_entropy(logits, label, ignore_index=255)
    assert loss.item() == pytest.approx(2 * by_hand.item(), rel=1e-5)


def test_losses_and_prediction_come_from_one_pass(smp):
    model, calls = built().eval(), []
    model.backbone.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        outputs, losses = model.predict_with_losses(images(), samples(), samples())
        assert len(calls) == 1
        alone = model(images()[:1], samples()[:1], mode='loss')
        (plain, _) = model(images(), samples(), mode='predict')
    assert losses[0]['decode.loss_ce'].item() == pytest.approx(alone['decode.loss_ce'].item(), rel=1e-4)
    torch.testing.assert_close(outputs[0].seg_logits.data, plain.seg_logits.data)


@pytest.mark.parametrize('threshold', [0.2, 0.5])
def test_a_single_logit_decides_by_its_threshold(smp, threshold):
    model = built(num_classes=2, out_channels=1, threshold=threshold, loss_decode=dict(type='BCEDiceLoss')).eval()
    with torch.no_grad():
        model.backbone.network.segmentation_head[0].bias.fill_(-0.8)  # 0.31
        (sample, _) = model(images(), samples(classes=2), mode='predict')
        assert model(images(), samples(classes=2), mode='loss')['decode.loss_bce_dice'].isfinite()
    assert model.out_channels == 1
    assert model.decode_head.threshold == threshold
    assert torch.equal(sample.pred_sem_seg.data == 1, sample.seg_logits.data > threshold)
    assert 0 <= sample.seg_logits.data.min() <= sample.seg_logits.data.max() <= 1


def test_windows_slide_over_a_large_image(smp):
    model = built(test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(32, 32))).eval()
    with torch.no_grad():
        (sample, _) = model(images(), samples(), mode='predict')
    assert sample.seg_logits.data.shape == (3, *SIZE)


def test_compiled_parts_train_alike(smp):
    plain = built().train()(images(), samples(), mode='loss')['decode.loss_ce']
    model, graphs = built().train(), []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    model.compile_parts(backend=backend)
    compiled = model(images(), samples(), mode='loss')['decode.loss_ce']
    assert compiled.item() == pytest.approx(plain.item(), rel=1e-5)
    assert len(graphs) == 1  # the head has nothing to compute


def test_a_graph_for_images_of_any_size_can_be_made(smp):
    """Linknet adds what it doubles to what was there before it was halved: both must be seen to have one size."""
    model = built(arch='Linknet', arch_options={}).backbone.eval()
    sides = {2: torch.export.Dim('height', min=64, max=4096), 3: torch.export.Dim('width', min=64, max=4096)}
    graph = torch.export.export(
        model, (images((70, 90)),), dynamic_shapes=(sides,), prefer_deferred_runtime_asserts_over_guards=True
    ).module()
    with torch.no_grad():
        torch.testing.assert_close(graph(images((101, 77)))[0], model(images((101, 77)))[0])


# --- in a config ---


def recipe(**options: object) -> ConfigDict:
    return load_config(LEAF, cfg_options={key.replace('__', '.'): value for key, value in options.items()}).model


def test_a_head_in_the_config_stands_above_the_direct_options(smp):
    model = built(decode_head=dict(num_classes=2, out_channels=1, threshold=0.3), num_classes=9)
    assert (model.num_classes, model.out_channels, model.decode_head.threshold) == (2, 1, 0.3)


def test_classes_are_seen_wherever_they_stand():
    data = {'data': 3}
    direct = ConfigDict(type='SMPSegmentor', num_classes=4, out_channels=1, threshold=7, loss_decode=[])
    (line,) = class_problems(direct, data)
    assert 'data has 3, model has 4' in line
    assert deciding_config(direct).threshold == 7
    assert [line.split(':')[0] for line in threshold_problems(direct)] == ['model.threshold']
    assert [line.split(':')[0] for line in single_logit_problems(direct)] == ['model']
    (line,) = class_problems(recipe(), data)
    assert 'data has 3, model.decode_head has 10' in line


def test_the_model_can_be_swapped_into_other_recipes_and_out(smp):
    cracks = next(CONFIGS.glob('unet/unet_bce_dice*.py'))
    cfg = load_config(cracks, ['models=smp_deeplabv3plus_r101'], {'model.encoder_name': 'resnet18'})
    cfg.model.encoder_weights = None
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    assert (model.out_channels, model.decode_head.threshold) == (1, 0.5)
    assert load_config(LEAF, ['models=unet']).model.type == 'LeanEncoderDecoder'


WRONG = {
    'arch': (dict(arch='DeepLabV4'), "arch 'DeepLabV4': did you mean .*DeepLabV3"),
    'encoder': (dict(encoder_name='resnet19'), "encoder_name 'resnet19': did you mean .*resnet18"),
    'timm': (dict(encoder_name='tu-nothing'), 'Unet on tu-nothing cannot be built: .*nothing'),
    'option': (dict(arch_options=dict(decoder_chanels=3)), 'decoder_chanels: did you mean decoder_channels'),
    'value': (dict(arch_options=dict(encoder_depth=9)), 'Unet on resnet18 cannot be built: .*9'),
    'own option': (dict(arch_options=dict(classes=3)), 'classes is no option of the architecture'),
    'classifier': (dict(arch_options=dict(aux_params=dict(classes=3))), 'a classification of whole images'),
    'activation': (dict(arch_options=dict(activation='sigmoid')), 'losses and predictions take logits'),
    'no classes': (dict(num_classes=None), 'num_classes is not given'),
    'auxiliary head': (dict(auxiliary_head=[dict(type='FCNHead')]), 'leave auxiliary_head empty'),
    'channels': (dict(encoder_weights='imagenet', in_channels=1), 'belong to images of 3 channels'),
}


@pytest.mark.parametrize('name', WRONG)
def test_what_cannot_be_is_refused_in_one_line(smp, name):
    options, said = WRONG[name]
    with pytest.raises(UsageError, match=said) as caught:
        built(**options)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ('missing', 'cure'),
    [
        ('segmentation_models_pytorch', "is not installed; pip install .*'.\\[smp\\]'"),
        ('torchvision', 'fits torch'),
    ],
)
def test_a_missing_package_is_told_with_the_command_that_installs_it(monkeypatch, missing, cure):
    for name in [
        name for name in sys.modules if name.partition('.')[0] in ('segmentation_models_pytorch', 'timm')
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    if missing == 'torchvision' and not (find_spec('segmentation_models_pytorch') and find_spec('timm')):
        pytest.skip('needs the smp extra')
    with pytest.raises(UsageError, match=cure) as caught:
        load_smp()
    assert len(str(caught.value).splitlines()) == 1


# --- pretrained encoders ---


@pytest.fixture
def offline(tmp_path, monkeypatch) -> Path:
    """No network, an empty cache of torch and of the hub; returns the folder of the former."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path / 'hub'))
    monkeypatch.setattr(pretrained, '_answer_problem', lambda url: 'offline')
    monkeypatch.chdir(tmp_path)
    return tmp_path / 'torch/hub/checkpoints'


def settled(**model: object) -> tuple[Config, str | None, list[str]]:
    cfg = Config(dict(model=dict(type='SMPSegmentor', **dict(SMALL, num_classes=3) | model), train_dataloader={}))
    return cfg, *settle_pretrained(cfg)


def test_an_encoder_without_its_weights_starts_at_random_after_one_line(smp, offline):
    cfg, used, (line,) = settled(encoder_weights='imagenet')
    assert cfg.model.encoder_weights is used is None
    assert line.startswith(
        'without the pretrained weights smp://resnet18/imagenet: https://huggingface.co/smp-hub/'
    )
    assert line.endswith(f'put the file at {offline / "resnet18.imagenet.safetensors"} and start again')


def test_an_encoder_starts_from_its_weights(smp, offline):
    from safetensors.torch import save_file

    state = {name: value + 1 for name, value in built().backbone.network.encoder.state_dict().items()}
    offline.mkdir(parents=True)
    save_file(
        state | {'fc.weight': torch.zeros(1), 'fc.bias': torch.zeros(1)}, offline / 'resnet18.imagenet.safetensors'
    )
    cfg, used, missing = settled(encoder_weights='imagenet')
    assert (used, missing) == ('smp://resnet18/imagenet', [])
    init_default_scope('mmseg')
    model = MODELS.build(cfg.model)
    decoder = {name: value.clone() for name, value in model.backbone.network.decoder.state_dict().items()}
    model.init_weights()
    assert all(
        torch.equal(value, state[name]) for name, value in model.backbone.network.encoder.state_dict().items()
    )
    assert all(
        torch.equal(value, decoder[name]) for name, value in model.backbone.network.decoder.state_dict().items()
    )
    other = built(encoder_name='resnet34', encoder_weights=cfg.model.encoder_weights, arch_options={})
    with pytest.raises(UsageError, match='weights of another encoder than resnet34'):
        other.init_weights()


def test_weights_in_the_cache_of_the_hub_and_in_a_file_are_found(smp, offline, monkeypatch):
    copy = offline.parent / 'copy.safetensors'
    copy.parent.mkdir(parents=True)
    copy.touch()
    monkeypatch.setattr('huggingface_hub.try_to_load_from_cache', lambda *_, **__: str(copy))
    assert find_weights('smp://resnet18/imagenet') == (copy, None)
    cfg, used, _ = settled(encoder_weights=str(copy))
    assert cfg.model.encoder_weights == used == str(copy)


def test_nothing_is_looked_for_when_a_network_is_built(smp, monkeypatch):
    monkeypatch.setattr('huggingface_hub.hf_hub_download', lambda *_, **__: pytest.fail('asked the network'))
    monkeypatch.setattr(smp.encoders, 'hf_hub_download', lambda *_, **__: pytest.fail('asked the network'))
    assert built(encoder_weights='imagenet').backbone.encoder_weights == 'imagenet'


def test_weights_that_there_are_not_are_a_usage_error(smp):
    with pytest.raises(UsageError, match="'imagnet' of resnet18: it has imagenet, ssl, swsl"):
        encoder_weights('resnet18', 'imagnet')
    with pytest.raises(UsageError, match='None is all that is offered'):
        encoder_weights('tu-resnet18', 'imagenet')
    with pytest.raises(UsageError, match=r'encoder_weights imagenet: no such file; tools/train\.py finds names'):
        built(encoder_weights='imagenet').init_weights()


def test_the_package_is_never_told_to_download(smp, monkeypatch):
    monkeypatch.setattr(smp.encoders, 'hf_hub_download', lambda *_, **__: pytest.fail('asked the network'))
    assert build_network('deeplabv3plus', 'resnet18', 3, 2, {}).name.startswith('deeplabv3plus')


# --- through the tools ---

OPTIONS = {
    'model.arch': 'Unet',
    'model.encoder_name': 'resnet18',
    '+model.arch_options.decoder_channels': '16,8,8,8,8',
    '+model.decode_head.out_channels': 1,
    'train_cfg.max_iters': 3,
    'train_cfg.val_interval': 3,
    'default_hooks.checkpoint.interval': 3,
    'train_dataloader.batch_size': 2,
    **{
        f'{split}_dataloader.{key}': value
        for split in ('train', 'val', 'test')
        for key, value in {'num_workers': 0, 'persistent_workers': False}.items()
    },
}


def test_one_run_through_all_tools(smp, offline, monkeypatch, capfd):
    pytest.importorskip('onnxruntime', reason='needs the export extra')
    monkeypatch.setenv('MMSEG_EXT_DATA', 'data')
    make_cracks('data/crackforest', sizes=(70, 90))
    said = [f'{key}={value}' for key, value in OPTIONS.items()]
    swaps = ['datasets=crackforest', 'pipelines=crack_256', 'losses=bce_dice']
    assert run_tool('train', LEAF, '--swap', *swaps, '--cfg-options', *said) == 0
    (run,) = Path('work_dirs/default/exp/smp').iterdir()
    text = ''.join(capfd.readouterr())
    assert text.count('without the pretrained weights smp://resnet18/imagenet') == 1
    assert run_tool('test', run / 'train/config.py', run) == 0
    result = json.loads((run / 'test/result.json').read_text())
    assert result['parameters'] == sum(
        weight.numel() for weight in built(num_classes=2, out_channels=1).parameters()
    )
    assert run_tool('predict', run, 'data/crackforest/img_dir/test', '--out', 'found') == 0
    assert len([*Path('found/masks').glob('*.png')]) == 2
    assert run_tool('export', run / 'train/config.py', run, '--out', 'model.onnx') == 0
    assert Path('model.onnx').stat().st_size > 1e6
    assert run_tool('report', 'work_dirs/default') == 0
    assert run.name in Path('work_dirs/default/report.html').read_text()
