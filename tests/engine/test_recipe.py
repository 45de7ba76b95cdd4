"""Two runs that differ never share a folder; one run has one name and one hash, however it is started."""

import copy

import pytest
from mmengine.config import Config
from tiny_project import LEAF

from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import config_hash, data_hash, first_difference, recipe_name, run_folder, save_config
from mmseg_ext.errors import UsageError


@pytest.fixture(scope='module')
def leaf(project):
    return project.root / 'configs' / LEAF


def test_a_leaf_keeps_its_name_and_swaps_recompute_it(leaf):
    assert recipe_name(leaf) == 'fast_scnn_focal_1xb8-40k_wta_512-512x512'
    swaps = ['datasets=magnetic_tile', 'losses=dice_ce', 'pipelines=crop_256', 'schedules=adamw_6']
    assert recipe_name(leaf, swaps) == 'fast_scnn_dice_ce_1xb8-6_magnetic_tile-256x256'
    assert recipe_name(leaf, swaps, gpus=4) == 'fast_scnn_dice_ce_4xb8-6_magnetic_tile-256x256'
    assert recipe_name(leaf, amp=True) == 'fast_scnn_focal_1xb8-40k_wta_512-512x512+amp'


def test_a_recipe_with_its_own_name_gets_the_swapped_bases_appended(project):
    assert recipe_name(project.recipe, ['losses=tversky']) == 'tiny-tversky'


def test_options_never_share_a_folder(leaf):
    head, heads = 'model.decode_head.loss_decode.loss_weight', 'model.auxiliary_head.0.loss_decode.loss_weight'
    options = [
        {},
        {head: 1},
        {heads: 1},
        {head: 2},
        {'load_from': '/a/b'},
        {'load_from': '/a_b'},
        {head: 1, heads: 2},
        {head: 2, heads: 1},
        {f'key{index}': index for index in range(20)},
    ]
    # Only the names count here: a merged config accepts what the test invents with a plus.
    names = [recipe_name(leaf, (), {f'+{key}': value for key, value in each.items()}) for each in options]
    assert len(set(names)) == len(options)
    assert not any('/' in name or len(name) > 200 for name in names)


def test_the_folder_of_a_run(leaf):
    assert str(run_folder(leaf, 'name', 3)) == 'work_dirs/default/exp/fast_scnn/name/seed3'


def test_the_hash_ignores_where_and_which_seed_and_nothing_else(project):
    cfg = project.config()
    other = copy.deepcopy(cfg)
    other.update(work_dir='x', resume=True, launcher='pytorch', run=dict(recipe='y'))
    other.randomness.seed = 7
    assert config_hash(other) == config_hash(cfg)
    for key, value in (('optim_wrapper.optimizer.lr', 1), ('load_from', 'a.pth'), ('train_cfg.max_iters', 7)):
        changed = copy.deepcopy(cfg)
        changed.merge_from_dict({key: value})
        assert config_hash(changed) != config_hash(cfg)
        assert first_difference(cfg.to_dict(), changed.to_dict()) == key


def test_a_saved_config_is_the_same_run(project, tmp_path):
    cfg = project.config()
    save_config(cfg, tmp_path)
    again = load_config(tmp_path / 'config.py')
    assert config_hash(again) == config_hash(cfg)
    assert recipe_name(tmp_path / 'config.py') == 'tiny'
    assert isinstance(again.crop_size, tuple)


def test_a_merged_config_has_nothing_to_swap(project, tmp_path):
    save_config(project.config(), tmp_path)
    with pytest.raises(UsageError, match='no bases to swap'):
        load_config(tmp_path / 'config.py', ['losses=tversky'])


def test_the_data_hash_sees_names_and_masks(own_project):
    folders = [own_project.data / part / 'train' for part in ('img_dir', 'ann_dir')]
    before = data_hash(folders)
    assert data_hash(folders) == before
    mask = next(folders[1].iterdir())
    content = bytearray(mask.read_bytes())
    content[-20] ^= 1
    mask.write_bytes(content)
    assert data_hash(folders) != before
    with pytest.raises(UsageError, match='no such folder'):
        data_hash([own_project.root / 'nothing'])


def test_difference_of_equal_structures_is_empty():
    assert first_difference(Config(dict(a=[1, dict(b=(2,))])).to_dict(), dict(a=[1, dict(b=[2])])) == ''
