"""What decides the masks of a single-logit model: the config, until a validation has found better."""

import copy
import json
import re
import shutil
from argparse import ArgumentParser
from pathlib import Path

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from tiny_project import CONFIGS
from torch import nn
from untrained_run import UNET, WEIGHTS, make_untrained_run

from mmseg_ext.arguments import add_recipe_options
from mmseg_ext.engine.heads import single_logit_problems, threshold_problems
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.preflight import check_run, find_problems
from mmseg_ext.engine.recipe import run_of, save_config
from mmseg_ext.engine.threshold import Threshold, chosen_threshold, find_threshold, set_threshold
from mmseg_ext.errors import UsageError

HEAD = dict(num_classes=2, out_channels=1, threshold=0.6)


def single_logit() -> dict:
    model = copy.deepcopy(UNET)
    model['decode_head'].update(HEAD)
    return model


@pytest.fixture
def run(project, tmp_path) -> Path:
    """A run of one logit whose config says .6, without a result."""
    return make_untrained_run(project, tmp_path / 'run', single_logit())


def built(model: dict) -> nn.Module:
    init_default_scope('mmseg')
    return MODELS.build(model)


def leave(run: Path, best: object = 0.31, weights: str = WEIGHTS) -> None:
    """The result of the validation that closed the training."""
    text = json.dumps(dict(checkpoint=f'elsewhere/{Path(weights).name}', threshold=dict(used=0.6, best=best)))
    (run / 'train/result.json').write_text(text)


def found(run: Path, **head: object) -> Threshold:
    """What a model of the run's config, with some keys of the head changed, should decide by."""
    cfg = Config.fromfile(run / 'train/config.py')
    cfg.model.decode_head.update(head)
    return find_threshold(built(cfg.model), cfg, run / WEIGHTS)


def test_the_run_of_weights(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_of('a/train/ckpt/x.pth') == tmp_path / 'a'
    assert run_of(tmp_path / 'train/ckpt/x.pth') == tmp_path
    assert run_of('x.pth') is run_of('a/train/x.pth') is run_of('a/ckpt/train/x.pth') is None


def test_the_validation_decides_as_soon_as_there_is_one(run):
    assert chosen_threshold(run / WEIGHTS) is None
    assert found(run) == (0.6, 'config')
    leave(run)
    assert chosen_threshold(run / WEIGHTS) == 0.31
    assert found(run) == (0.31, 'validation')


def test_only_of_the_very_weights(run, tmp_path):
    leave(run, weights='best_mIoU_fg_iter_4.pth')
    assert found(run) == (0.6, 'config')
    leave(run)
    assert chosen_threshold(shutil.copy(run / WEIGHTS, tmp_path)) is None


def test_a_threshold_that_is_asked_for_wins(run):
    leave(run)
    assert found(run, threshold=0.2) == (0.2, 'command line')
    assert found(run, threshold=0.6) == (0.31, 'validation')
    assert found(run, dropout_ratio=0.5) == (0.31, 'validation')


def test_weights_of_no_run_have_what_their_config_says(run, tmp_path):
    weights, cfg = shutil.copy(run / WEIGHTS, tmp_path), Config.fromfile(run / 'train/config.py')
    assert find_threshold(built(cfg.model), cfg, weights) == (0.6, 'config')


@pytest.mark.parametrize('threshold', [None, 0.5])
def test_a_channel_for_each_class_has_no_threshold(run, threshold):
    leave(run)
    assert found(run, out_channels=2, threshold=threshold) == (None, 'config')


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What is logged while a threshold is looked for."""
    lines = []
    monkeypatch.setattr('mmseg_ext.engine.threshold.print_log', lambda text, **_: lines.append(text))
    return lines


def test_a_validation_without_a_best_threshold_chooses_none(run, said):
    leave(run, best=None)
    assert found(run) == (0.6, 'config')
    (run / 'train/result.json').write_text(json.dumps(dict(checkpoint=WEIGHTS)))  # of an older version
    assert found(run) == (0.6, 'config')
    assert not said


@pytest.mark.parametrize(
    'text',
    [
        '',
        '{"checkpoint": "best',
        '[]',
        '{}',
        f'{{"checkpoint": "{WEIGHTS}", "threshold": 5}}',
        f'{{"checkpoint": "{WEIGHTS}", "threshold": {{"best": "0.3"}}}}',
        f'{{"checkpoint": "{WEIGHTS}", "threshold": {{"best": 1.5}}}}',
        f'{{"checkpoint": "{WEIGHTS}", "threshold": {{"best": NaN}}}}',
        f'{{"checkpoint": "{WEIGHTS}", "threshold": {{"best": true}}}}',
    ],
)
def test_a_damaged_result_is_one_warning(run, said, text):
    (run / 'train/result.json').write_text(text)
    assert found(run) == (0.6, 'config')
    (line,) = said
    assert line.startswith(f'{run}/train/result.json: damaged, no threshold can be read there (')
    assert '\n' not in line


class Cascade(nn.Module):
    """Heads in a list, as mmseg's CascadeEncoderDecoder has them; the last one's output is the mask."""

    def __init__(self) -> None:
        super().__init__()
        self.decode_head = nn.ModuleList(nn.Identity() for _ in range(2))
        self.decode_head[0].threshold, self.decode_head[1].threshold = 0.9, 0.4


def test_of_several_heads_the_last_one_decides(run, tmp_path):
    model, cfg = Cascade(), Config(dict(model=dict(decode_head=[dict(threshold=0.9), dict(threshold=0.4)])))
    save_config(cfg, run / 'train')
    assert find_threshold(model, cfg, run / WEIGHTS) == (0.4, 'config')
    leave(run)
    threshold = find_threshold(model, cfg, run / WEIGHTS)
    assert threshold == (0.31, 'validation')
    set_threshold(model, threshold)
    assert model.decode_head.threshold == model.decode_head[1].threshold == 0.31
    assert model.decode_head[0].threshold == 0.9
    first, last = copy.deepcopy(cfg), copy.deepcopy(cfg)
    first.model.decode_head[0].threshold, last.model.decode_head[1].threshold = 0.2, 0.2
    assert find_threshold(Cascade(), first, run / WEIGHTS).origin == 'validation'
    assert find_threshold(Cascade(), last, run / WEIGHTS).origin == 'command line'


def test_a_model_without_a_head_has_none(run):
    leave(run)
    cfg = Config(dict(model=dict()))
    assert find_threshold(nn.Linear(1, 1), cfg, run / WEIGHTS) == (None, 'config')
    set_threshold(nn.Linear(1, 1), Threshold(None, 'config'))


def test_masks_follow_the_threshold_that_is_set(run):
    model = built(single_logit()).eval()
    logits = torch.tensor([-1.0, 0.0, 1.0, 2.0]).reshape(1, 1, 2, 2)  # .27 .5 .73 .88
    counts = []
    for used in (0.2, 0.5, 0.6, 0.8, 0.9):
        set_threshold(model, Threshold(used, 'validation'))
        counts.append(int(model.postprocess_result(logits)[0].pred_sem_seg.data.sum()))
    assert counts == [4, 2, 2, 1, 0]


def problems(**head: object) -> list[str]:
    return list(single_logit_problems(ConfigDict(decode_head=head)))


BCE, DICE = dict(type='BCEDiceLoss'), dict(type='SoftDiceLoss')


@pytest.mark.parametrize(
    'head',
    [
        dict(num_classes=2, out_channels=1, loss_decode=BCE),
        dict(num_classes=2, out_channels=1, loss_decode=[BCE, dict(BCE, loss_weight=2)]),
        dict(num_classes=2, out_channels=1, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True)),
        dict(num_classes=2, out_channels=1, loss_decode=dict(type='LovaszLoss', loss_type='binary')),
        dict(num_classes=2, out_channels=1),
        dict(num_classes=5, out_channels=5, threshold=None, loss_decode=[BCE, DICE]),
        dict(num_classes=2, loss_decode=BCE),
        dict(num_classes=5),
    ],
)
def test_heads_that_can_work(head):
    assert problems(**head) == []


def test_one_channel_for_many_classes_is_one_line_with_the_cure():
    (line,) = problems(num_classes=6, out_channels=1, loss_decode=[DICE])
    assert 'tells two classes apart, not 6' in line
    assert '--cfg-options model.decode_head.out_channels=6 model.decode_head.threshold=None' in line
    assert 'losses=dice_ce' in line


@pytest.mark.parametrize(
    ('loss', 'names'),
    [
        ([BCE, DICE, dict(type='LovaszSoftmaxLoss')], 'SoftDiceLoss, LovaszSoftmaxLoss'),
        (dict(type='CrossEntropyLoss'), 'CrossEntropyLoss'),
        (dict(type='mmseg.SoftDiceLoss'), 'mmseg.SoftDiceLoss'),
    ],
)
def test_a_softmax_of_one_channel_is_one_line_with_the_cure(loss, names):
    (line,) = problems(num_classes=2, out_channels=1, loss_decode=loss)
    assert line.startswith(f'model.decode_head: {names} needs an output channel for each class')
    assert '--swap losses=bce_dice' in line
    assert 'model.decode_head.out_channels=2' in line


@pytest.mark.parametrize('swap', ['losses=dice_ce', 'losses=focal_any', 'datasets=magnetic_tile'])
def test_the_cure_cures(swap):
    """What the line says about a recipe of one logit, taken at its word."""
    (leaf,) = (CONFIGS / 'attention_unet').glob('*.py')
    (line,) = single_logit_problems(load_config(leaf, [swap]).model)
    options = dict(re.findall(r'(model[.\w]+)=(\w+)', line))
    assert options.keys() == {'model.decode_head.out_channels', 'model.decode_head.threshold'}
    parser = ArgumentParser()
    add_recipe_options(parser)
    given = parser.parse_args(['--cfg-options', *(f'{key}={value}' for key, value in options.items())])
    loss = [] if swap.startswith('losses') else ['losses=dice_ce']
    model = load_config(leaf, [swap, *loss], given.cfg_options).model
    assert list(single_logit_problems(model)) == list(threshold_problems(model)) == []
    assert built(model).decode_head.out_channels == model.decode_head.num_classes


def test_every_head_is_looked_at():
    bad = dict(num_classes=2, out_channels=1, loss_decode=DICE)
    model = ConfigDict(decode_head=[dict(bad, threshold=7), bad], auxiliary_head=dict(bad, threshold=-0.1))
    places = ['model.decode_head.0', 'model.decode_head.1', 'model.auxiliary_head']
    assert [line.partition(':')[0] for line in single_logit_problems(model)] == places
    assert [line.partition(':')[0] for line in threshold_problems(model)] == [
        'model.decode_head.0.threshold',
        'model.auxiliary_head.threshold',
    ]


@pytest.mark.parametrize(('value', 'bad'), [(0, 0), (1, 0), (0.5, 0), (None, 0), (-0.01, 1), (1.01, 1),
                                            (float('nan'), 1), ('0.5', 1), (True, 1)])  # fmt: skip
def test_a_threshold_is_a_probability(value, bad):
    assert len(list(threshold_problems(ConfigDict(decode_head=dict(threshold=value))))) == bad


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(model__decode_head__out_channels=1), 'tells two classes apart, not 3'),
        (dict(model__decode_head__threshold=1.5), 'model.decode_head.threshold: 1.5 is no probability'),
    ],
)
def test_a_head_that_cannot_work_is_one_line_before_training(project, options, said):
    cfg = project.config(**{f'+{key}': value for key, value in options.items()})
    with pytest.raises(UsageError) as caught:
        check_run(cfg)
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_softmax_loss_on_one_channel_is_one_line_before_training(project):
    cfg = project.config()
    cfg.model.auxiliary_head = None
    cfg.model.decode_head.update(HEAD)
    for split in ('train', 'val'):
        cfg[f'{split}_dataloader'].dataset.metainfo = dict(classes=['background', 'blob1'])
    usage, _ = find_problems(cfg, ('train', 'val'), [])
    (line,) = usage
    assert 'SoftDiceLoss, MaskedCrossEntropyLoss needs an output channel' in line
