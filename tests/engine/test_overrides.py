"""Swaps and overrides reach everything that is wired from them; what would do nothing is refused with the cure."""

import pytest

from mmseg_ext.engine.overrides import load_config, merge_config
from mmseg_ext.errors import UsageError


def problems(project, *swaps: str, **options) -> list[str]:
    return merge_config(project.recipe, swaps, {key.replace('__', '.'): v for key, v in options.items()})[1]


def test_a_swap_reaches_what_the_recipe_wires(project):
    cfg = load_config(project.recipe, ['datasets=magnetic_tile', 'losses=focal_any', 'pipelines=crop_256'])
    heads = [cfg.model.decode_head, *cfg.model.auxiliary_head]
    assert {head.num_classes for head in heads} == {6}
    assert {head.loss_decode.type for head in heads} == {'SoftmaxFocalLoss'}
    assert cfg.model.data_preprocessor.size == (256, 256)
    steps = cfg.train_dataloader.dataset.pipeline
    assert [step.crop_size for step in steps if 'crop_size' in step] == [(256, 256)]


def test_overrides_are_merged(project):
    options = {'optim_wrapper.optimizer.lr': 0.5, 'model.decode_head.loss_decode.1.loss_weight': 2, '+find.me': 1}
    cfg = load_config(project.recipe, cfg_options=options)
    assert cfg.optim_wrapper.optimizer.lr == 0.5
    assert cfg.model.decode_head.loss_decode[1].loss_weight == 2
    assert cfg.find.me == 1


def test_reading_a_recipe_prints_nothing(project, monkeypatch, capfd):
    monkeypatch.setenv('MMSEG_EXT_DATA', str(project.root))
    assert load_config(project.recipe, ['datasets=magnetic_tile']).train_dataloader.dataset.data_root
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize(
    ('key', 'value', 'said'),
    [
        ('optm.lr', 0.1, 'no "optm" there; did you mean optim_wrapper'),
        ('optim_wrapper.optimiser.lr', 0.1, 'did you mean optimizer'),
        ('model.decode_head.loss_decode.7.loss_weight', 1, 'no "7" there; did you mean 0, 1'),
        ('loss_decode', 1, 'the recipe copied "loss_decode" into other keys'),
        ('train_cfg.max_iters', 'ten', "'ten' is no number"),
        ('model', 3, 'cannot replace a group of keys; override one of type'),
        ('+train_cfg.max_iters.x', 1, '"x" can only be added to a group of keys'),
        ('custom_imports.imports.0', 'mine', "give the whole list: 'custom_imports.imports=[mine, mmseg_ext."),
        ('model.data_preprocessor.size.1', 32, "'model.data_preprocessor.size=(64, 32)'"),
        ('param_scheduler.0', None, 'write a config of two lines, _base_ and the whole list'),
    ],
)
def test_a_wrong_override_is_left_out_and_told(project, key, value, said):
    cfg, found = merge_config(project.recipe, (), {key: value})
    assert len(found) == 1
    assert found[0].startswith(f'--cfg-options {key}: ')
    assert said in found[0]
    assert cfg.to_dict() == load_config(project.recipe).to_dict()


@pytest.mark.parametrize(
    ('swap', 'said'),
    [
        ('datasets=magnetic_tiles', 'did you mean magnetic_tile'),
        ('dataset=mine', 'it has models, datasets, pipelines, losses, schedules, default_runtime'),
        ('datasets', 'expected FOLDER=NAME'),
    ],
)
def test_a_wrong_swap_is_told(project, swap, said):
    (problem,) = problems(project, swap)
    assert said in problem


def test_all_wrong_ones_are_told_at_once(project):
    options = {'optm.lr': 1, 'modle.x': 2, 'optim_wrapper.optimizer.lr': 3}
    with pytest.raises(UsageError) as caught:
        load_config(project.recipe, ['losses=nothing', 'nothing=x'], options)
    assert len(str(caught.value).splitlines()) == 4


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('model = dict(', "bad.py:1: '(' was never closed"),
        ("_base_ = ['../_base_/models/nothing.py']", 'nothing.py'),
        (
            "_base_ = ['../_base_/models/fast_scnn.py', '../_base_/default_runtime.py']\nx = _base_.nothing",
            'nothing',
        ),
        ('_base_ = [1 + name]', '_base_ a list of file names'),
        ('x = undefined', 'undefined'),
    ],
)
def test_a_recipe_that_cannot_be_read_is_one_line(project, text, said):
    bad = project.recipe.with_name('bad.py')
    bad.write_text(text)
    with pytest.raises(UsageError, match=r'bad\.py') as caught:
        load_config(bad)
    assert said in str(caught.value)
    assert '\n' not in str(caught.value)
    assert '/mmseg_ext_' not in str(caught.value)  # the temporary copy is nobody's business


def test_a_file_that_is_no_text_is_one_line(project):
    bad = project.recipe.with_name('weights.py')
    bad.write_bytes(b'\x80\x02\xff\x00')
    with pytest.raises(UsageError, match='a config is Python text'):
        load_config(bad)


def test_a_missing_recipe_suggests_its_neighbours(project):
    with pytest.raises(UsageError, match=r'no such config; did you mean .*tiny/tiny\.py'):
        load_config(project.recipe.with_name('tinny.py'))
