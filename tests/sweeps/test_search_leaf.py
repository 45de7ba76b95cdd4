"""Recipes written from a recipe with swaps and options: they train the same and stay recipes."""

import ast

import pytest
from mmengine.config import Config
from tiny_project import make_project

from mmseg_ext.engine.overrides import load_config, read_recipe
from mmseg_ext.engine.recipe import config_hash, recipe_name
from mmseg_ext.sweeps.search.leaf import write_leaf
from mmseg_ext.sweeps.search.setting import Setting

OPTIONS = {
    'optim_wrapper.optimizer.lr': 1e-05,  # of a base, laid on top
    '+optim_wrapper.clip_grad.max_norm': 1.0,  # of nobody
    'model.decode_head.loss_decode.gamma': 1.5,  # of the recipe's lines, which share it with a base
    'model.auxiliary_head.0.loss_decode.gamma': 2.5,  # of one of two heads, which share it with each other
    'param_scheduler.0.begin': 1,
    'param_scheduler.0.end': 5,  # inside a list of a base
    'train_dataloader.batch_size': 4,
    'train_dataloader.dataset.pipeline.1.scale': [0.5, 1.5],
    'log_level': 'WARNING',
}


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp('project'))


def write(setting: Setting, path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_leaf(setting, path, 'Trial 3: the best.\n\n  python tools/train.py best.py').read_text()


@pytest.mark.parametrize('swaps', [('losses=focal',), ('losses=focal', 'schedules=adamw_40k')])
def test_it_trains_what_the_setting_trains(project, tmp_path, swaps):
    setting = Setting(project.recipe, swaps, OPTIONS)
    text = write(setting, tmp_path / 'search/S/best.py')
    assert config_hash(load_config(tmp_path / 'search/S/best.py')) == config_hash(setting.config())
    assert config_hash(Config.fromfile(tmp_path / 'search/S/best.py')) == config_hash(setting.config())
    assert text.startswith('# Trial 3: the best.\n#\n#   python tools/train.py best.py\n_base_ = [\n')
    assert 'optim_wrapper = dict(optimizer=dict(lr=1e-05), clip_grad=dict(max_norm=1.0))' in text
    assert 'merged config' not in text


def test_the_recipe_itself_needs_no_statement(project, tmp_path):
    text = write(Setting(project.recipe), tmp_path / 'best.py')
    assert 'changed' not in text
    before, after = (ast.parse(each).body for each in (project.recipe.read_text(), text))
    assert [ast.unparse(node) for node in before[1:]] == [ast.unparse(node) for node in after[1:]]
    assert config_hash(load_config(tmp_path / 'best.py')) == config_hash(load_config(project.recipe))


def test_other_bases_can_be_swapped_into_it(project, tmp_path):
    setting = Setting(project.recipe, ('losses=focal',), {'train_dataloader.batch_size': 4})
    path = tmp_path / 'S/best.py'
    write(setting, path)
    assert read_recipe(path).bases == {
        **read_recipe(project.recipe).bases,
        'losses': read_recipe(project.recipe).bases['losses'].with_name('focal.py'),
    }
    swapped = load_config(path, ['losses=tversky', 'pipelines=crop_256'])
    expected = setting.changed(('losses=tversky', 'pipelines=crop_256')).config()
    assert config_hash(swapped) == config_hash(expected)
    assert recipe_name(path) == 'best'
    assert recipe_name(path, ['losses=tversky']) == 'best-tversky'


def test_it_is_a_recipe_to_search_around_again(project, tmp_path):
    first, second = tmp_path / 'first/best.py', tmp_path / 'second/best.py'
    write(Setting(project.recipe, ('losses=focal',), OPTIONS), first)
    again = Setting(first, (), {'optim_wrapper.optimizer.lr': 0.5, 'model.decode_head.loss_decode.gamma': 4.0})
    text = write(again, second)
    cfg = load_config(second)
    assert config_hash(cfg) == config_hash(again.config())
    assert (cfg.model.decode_head.loss_decode.gamma, cfg.optim_wrapper.clip_grad.max_norm) == (4.0, 1.0)
    assert 'merged config' not in text


def test_what_is_true_of_the_old_recipe_alone_is_left_out(project, tmp_path):
    recipe = project.recipe.with_name('expecting.py')
    recipe.write_text('expected = dict(\n    mIoU_fg=(50, 1))\n' + project.recipe.read_text())
    text = write(Setting(recipe, (), {'log_level': 'WARNING'}), tmp_path / 'best.py')
    assert 'expected' not in text
    assert load_config(tmp_path / 'best.py').log_level == 'WARNING'


def test_names_that_the_recipe_deletes_are_not_its_own(project, tmp_path):
    recipe = project.recipe.with_name('deleting.py')
    recipe.write_text(project.recipe.read_text() + 'optim_wrapper = _base_.optim_wrapper\ndel optim_wrapper\n')
    setting = Setting(recipe, (), {'optim_wrapper.optimizer.lr': 0.5})
    assert 'optim_wrapper = dict(optimizer=dict(lr=0.5))' in write(setting, tmp_path / 'best.py')


def test_a_merged_config_stays_one(project, tmp_path):
    merged = tmp_path / 'config.py'
    cfg = load_config(project.recipe)
    cfg.run = dict(recipe='tiny', amp=False)
    merged.write_text(cfg.pretty_text)
    setting = Setting(merged, (), {'param_scheduler.0.power': 0.5, 'train_dataloader.batch_size': 4})
    text = write(setting, tmp_path / 'best.py')
    assert config_hash(load_config(tmp_path / 'best.py')) == config_hash(setting.config())
    assert '_base_' not in text
    assert 'run = ' not in text


def test_lines_that_cannot_be_kept_become_the_merged_config(project, tmp_path):
    """The recipe reads a number that an option changes; its line would be evaluated before that."""
    recipe = project.recipe.with_name('named.py')
    recipe.write_text(project.recipe.read_text() + "log_level = dict(a='{{fileBasenameNoExtension}}')['a']\n")
    setting = Setting(recipe, ('losses=focal',), {'optim_wrapper.optimizer.lr': 0.5})
    text = write(setting, tmp_path / 'best.py')
    assert 'The merged config: no base can be swapped.' in text
    assert config_hash(load_config(tmp_path / 'best.py')) == config_hash(setting.config())
    assert load_config(tmp_path / 'best.py').log_level == 'named'
