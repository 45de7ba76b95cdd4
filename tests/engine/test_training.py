"""What a run leaves, that its config alone repeats it, and that a folder never holds two runs."""

import copy
import csv
import json
from importlib.util import find_spec

import cv2
import pytest
import torch

from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import config_hash
from mmseg_ext.engine.training import train
from mmseg_ext.errors import UsageError


@pytest.fixture(scope='module')
def result(finished):
    return json.loads((finished / 'train/result.json').read_text())


def test_the_result_says_everything_that_makes_it_one(project, result):
    assert result['recipe'] == 'tiny'
    assert result['config_hash'] == config_hash(project.config())
    assert result['seed'] == 0
    assert len(result['data_hash']) == len(result['split_hash']) == 16
    assert result['data_hash'] != result['split_hash']
    assert result['split'] == 'val'
    assert result['images'] == 3
    assert result['iteration'] in (3, 6)
    assert {'torch', 'numpy', 'python', 'mmseg-ext'} <= set(result['versions'])
    assert result['device'].startswith('cpu')
    assert result['parameters'] > 1e6
    assert result['images_per_second'] == pytest.approx(result['images'] / result['seconds'], rel=0.1)
    assert 0.05 < result['peak_memory_gib'] < 50
    assert result['resumed'] is False
    assert 0.1 < result['train_seconds'] < 500
    assert {'commit', 'amp', 'checkpoint', 'classes'} <= set(result)


def test_the_scores_are_those_of_the_rows(finished, result):
    with (finished / 'train/per_image.csv').open() as file:
        rows = list(csv.DictReader(file))
    assert [row['image'].rpartition('/')[2] for row in rows] == [f'val_{index:03d}.png' for index in range(3)]
    false_alarms = sum(int(row['FalseAlarms']) for row in rows) / 3
    assert result['scores']['FalseAlarms'] == pytest.approx(false_alarms)


@pytest.mark.parametrize('name', ['curves.png', 'worst.png'])
def test_pictures_can_be_looked_at(finished, name):
    picture = cv2.imread(str(finished / 'train' / name))
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 5


def test_tensorboard_and_scalars_have_the_losses_and_the_validation(finished):
    assert list(finished.glob('train/*/vis_data/events.out.tfevents*'))
    (file,) = finished.glob('train/*/vis_data/scalars.json')
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row['step'] for row in rows if 'decode.loss_dice' in row] == [1, 2, 3, 4, 5, 6]
    assert [row['step'] for row in rows if 'IoU.blob1' in row and 'mIoU_fg' in row] == [3, 6]


def test_only_whole_checkpoints_are_left(finished):
    names = sorted(file.name for file in (finished / 'train/ckpt').iterdir())
    assert names[-2:] == ['iter_6.pth', 'last_checkpoint']
    assert len(names) == 3
    assert names[0] in ('best_mIoU_fg_iter_3.pth', 'best_mIoU_fg_iter_6.pth')
    assert 'optimizer' in read_checkpoint(finished / 'train/ckpt/iter_6.pth')
    assert 'optimizer' not in read_checkpoint(finished / 'train/ckpt' / names[0])


def test_the_config_of_a_run_repeats_it_bit_by_bit(project, finished, tmp_path):
    again = load_config(finished / 'train/config.py')
    assert config_hash(again) == config_hash(project.config())
    before = copy.deepcopy(again.to_dict())
    train(again, tmp_path)
    assert again.to_dict() == before
    one, two = (read_checkpoint(folder / 'train/ckpt/iter_6.pth')['state_dict'] for folder in (finished, tmp_path))
    assert all(value.equal(two[name]) for name, value in one.items())
    one, two = (json.loads((folder / 'train/result.json').read_text()) for folder in (finished, tmp_path))
    assert all(one[key] == two[key] for key in ('recipe', 'scores', 'config_hash', 'data_hash', 'seed'))


def test_another_seed_is_another_run(project, finished, tmp_path):
    train(project.config(randomness__seed=1, train_cfg__max_iters=1), tmp_path)
    one, two = (
        read_checkpoint(next((folder / 'train/ckpt').glob('best*')))['state_dict']
        for folder in (finished, tmp_path)
    )
    assert any(not value.equal(two[name]) for name, value in one.items())
    assert json.loads((tmp_path / 'train/result.json').read_text())['seed'] == 1


def test_a_finished_run_is_not_trained_again(project, finished, result, capsys):
    before = {file: file.stat().st_mtime_ns for file in finished.rglob('*')}
    assert train(project.config(), finished, resume=True) == result
    assert 'this run is finished' in capsys.readouterr().out
    assert {file: file.stat().st_mtime_ns for file in finished.rglob('*')} == before


def test_a_folder_is_not_trained_over(project, finished):
    with pytest.raises(UsageError, match=r'already holds iter_6.pth; continue it with --resume'):
        train(project.config(), finished)


@pytest.mark.parametrize(
    ('options', 'key'), [(dict(optim_wrapper__optimizer__lr=1), 'optim_wrapper.optimizer.lr'),
                         (dict(randomness__seed=5), 'randomness.seed')]
)  # fmt: skip
def test_a_run_is_not_continued_with_another_config(project, finished, options, key):
    with pytest.raises(UsageError, match=f'begun with another config: {key} differs'):
        train(project.config(**options), finished, resume=True)


def test_a_folder_that_cannot_be_is_refused(project, finished):
    with pytest.raises(UsageError, match='cannot write there'):
        train(project.config(), finished / 'train/result.json/here')


def test_a_config_that_mmengine_cannot_build_is_one_line(project, tmp_path):
    with pytest.raises(UsageError, match=r'the config cannot be built: .*nonsense') as caught:
        train(project.config(**{'+default_hooks__timer__nonsense': 1}), tmp_path)
    assert '\n' not in str(caught.value)


@pytest.mark.skipif(find_spec('wandb') is not None, reason='the tracker is installed')
def test_a_tracker_that_is_not_installed_is_one_line(project, tmp_path):
    cfg = project.config()
    cfg.visualizer.vis_backends.append(dict(type='WandbVisBackend'))
    with pytest.raises(UsageError, match='wandb'):
        train(cfg, tmp_path)


def test_weights_of_a_run_can_be_the_start_of_another(project, finished, tmp_path):
    start = finished / 'train/ckpt/iter_6.pth'
    train(project.config(load_from=str(start), train_cfg__max_iters=1, optim_wrapper__optimizer__lr=0), tmp_path)
    one, two = (read_checkpoint(path)['state_dict'] for path in (start, tmp_path / 'train/ckpt/iter_1.pth'))
    weights = [name for name in one if name.endswith('.weight')]
    assert all(one[name].equal(two[name]) for name in weights)
    assert torch.isfinite(one[weights[0]]).all()
