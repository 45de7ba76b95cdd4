"""Runs judged on the sets of others: what is judged, with what, and what is not judged again."""

import copy
import json
import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest
from cross_runs import add_run, add_set, make_sets, trained_config
from mmengine.config import Config, ConfigDict

from mmseg_ext.engine import cross, judging
from mmseg_ext.engine.cross import cross_evaluate
from mmseg_ext.engine.cross_sets import config_on, find_sets, read_runs
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.recipe import save_config
from mmseg_ext.errors import DataError, UsageError

BASES = 'configs/_base_/datasets'


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """Two sets; two seeds trained on ``mine``, one on ``other``; nothing judged on the test split."""
    project = make_sets(tmp_path_factory.mktemp('sets'))
    for name, seed in (('mine', 0), ('mine', 1), ('other', 0)):
        add_run(project, name, project.root / f'runs/{name}/seed{seed}', seed)
    return project


@pytest.fixture(scope='module')
def crossed(sets):
    """A project of the same runs, judged; with the calls of the progress."""
    runs = sets.root / 'judged'
    shutil.copytree(sets.root / 'runs', runs)
    (runs / 'begun/train/ckpt').mkdir(parents=True)
    store_threshold(runs / 'mine/seed1', 0.25)
    calls = []
    tested, left_out = cross_evaluate([runs], bases=sets.root / BASES, progress=lambda *told: calls.append(told))
    return runs, tested, left_out, calls


@pytest.fixture
def judged(crossed, tmp_path):
    """A copy of the judged runs that a test may change."""
    shutil.copytree(crossed[0], tmp_path / 'judged')
    return tmp_path / 'judged'


@pytest.fixture
def again(sets, monkeypatch):
    """Evaluate without judging: the folders, below their runs' parents, that would have been judged."""

    def evaluate(runs: Path, *names: str, **options) -> list[str]:
        asked = []

        def fake(cfg, checkpoint, split, folder, training):
            asked.append(folder.relative_to(runs).as_posix())
            return dict(scores={})

        monkeypatch.setattr(cross, 'judge', fake)
        cross_evaluate([runs], names or None, bases=options.pop('bases', sets.root / BASES), **options)
        return asked

    return evaluate


def result(folder: Path) -> dict:
    return json.loads((folder / 'result.json').read_text())


def store_threshold(run: Path, value: float) -> None:
    change_result(run / 'train', threshold=dict(used=0.5, best=value, tag='macro-0px', origin='config'))


def change_result(folder: Path, **changes) -> None:
    (folder / 'result.json').write_text(json.dumps(result(folder) | changes))


def test_every_finished_run_meets_every_set(crossed):
    runs, tested, left_out, calls = crossed
    assert [(str(each.run.relative_to(runs)), each.tested_on, each.home) for each in tested] == [
        ('mine/seed0', 'mine', True),
        ('mine/seed0', 'other', False),
        ('mine/seed1', 'mine', True),
        ('mine/seed1', 'other', False),
        ('other/seed0', 'mine', False),
        ('other/seed0', 'other', True),
    ]
    assert [each.trained_on for each in tested] == ['mine'] * 4 + ['other'] * 2
    assert tested[0].config_hash == tested[2].config_hash != tested[4].config_hash
    assert [told[:2] for told in calls] == [(done, 6) for done in range(6)]
    assert calls[1][2] == f'{runs}/mine/seed0 on other'
    assert left_out == [f'{runs}/begun: its training is not finished; left out']


def test_what_is_kept_of_a_judging(crossed):
    _, tested, *_ = crossed
    for each in tested:
        kept = result(each.run / f'test-on-{each.tested_on}')
        assert kept == each.result
        assert (kept['trained_on'], kept['tested_on']) == (each.trained_on, each.tested_on)
        assert (each.run / f'test-on-{each.tested_on}/per_image.csv').is_file()
        assert not (each.run / 'test').exists()


def test_the_scores_are_those_of_judging_by_hand(sets, crossed, tmp_path):
    runs, tested, *_ = crossed
    run = runs / 'mine/seed1'
    cfg = Config.fromfile(run / 'train/config.py')
    cfg.test_dataloader.dataset.data_root = str(sets.root / 'sets/other')
    by_hand = judge(cfg, run / 'train/ckpt/best_mIoU_fg_iter_3.pth', 'test', tmp_path)
    (found,) = [each.result for each in tested if each.run == run and each.tested_on == 'other']
    assert found['scores'] == result(tmp_path)['scores']
    assert found['threshold'] == by_hand['threshold']
    assert (found['threshold']['used'], found['threshold']['origin']) == (0.25, 'validation')
    own = next(each.result for each in tested if each.run == run and each.home)
    assert own['split_hash'] != found['split_hash']
    assert own['scores'] != found['scores']


def test_nothing_is_judged_twice(judged, again):
    assert again(judged) == []


def test_another_label_makes_its_column_new(sets, judged, again):
    mask = sets.root / 'sets/other/ann_dir/test/test_000.png'
    before = mask.read_bytes()
    try:
        shutil.copy(mask.with_name('test_001.png'), mask)
        assert again(judged) == [f'{run}/test-on-other' for run in ('mine/seed0', 'mine/seed1', 'other/seed0')]
    finally:
        mask.write_bytes(before)


def test_another_training_makes_its_row_new(judged, again):
    change_result(judged / 'mine/seed1/train', finished='2999-01-01T00:00:00+00:00')
    assert again(judged) == ['mine/seed1/test-on-mine', 'mine/seed1/test-on-other']


def test_results_that_tell_no_time_are_used(judged, again):
    for file in judged.rglob('result.json'):
        content = result(file.parent)
        del content['finished']
        file.write_text(json.dumps(content))
    assert again(judged) == []


def test_other_weights_are_judged_anew(judged, again):
    file = judged / 'other/seed0/train/ckpt/best_mIoU_fg_iter_3.pth'
    file.rename(file.with_name('best_mIoU_fg_iter_6.pth'))
    assert again(judged) == ['other/seed0/test-on-mine', 'other/seed0/test-on-other']


def test_another_config_is_judged_anew(judged, again):
    folder = judged / 'mine/seed0/train'
    cfg = Config.fromfile(folder / 'config.py')
    cfg.model.decode_head.threshold = 0.9
    save_config(cfg, folder)
    assert again(judged) == ['mine/seed0/test-on-mine', 'mine/seed0/test-on-other']


def test_the_result_of_the_run_itself_serves_for_its_own_set_only(judged, again):
    run = judged / 'mine/seed0'
    (run / 'test-on-mine').rename(run / 'test')
    assert again(judged) == []
    shutil.rmtree(run / 'test-on-other')
    assert again(judged) == ['mine/seed0/test-on-other']
    change_result(run / 'test', config_hash='of tools/test.py with other options')
    assert again(judged) == ['mine/seed0/test-on-mine', 'mine/seed0/test-on-other']


def test_the_validation_split_has_results_of_its_own(judged, again):
    assert again(judged, 'other', split='val') == [
        'mine/seed0/val-on-other',
        'mine/seed1/val-on-other',
        'other/seed0/val-on-other',
    ]


def test_killed_while_judging_and_gone_on_with(sets, tmp_path):
    run = tmp_path / 'run'
    shutil.copytree(sets.root / 'runs/mine/seed0', run)

    def killed_at_the_second() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        write, written = judging.write_result, []

        def write_or_die(folder: Path, *content) -> None:
            written.append(folder)
            if len(written) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            write(folder, *content)

        judging.write_result = write_or_die
        cross_evaluate([run], ('mine', 'other'), bases=sets.root / BASES)

    process = multiprocessing.get_context('fork').Process(target=killed_at_the_second)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    first = run / 'test-on-mine/result.json'
    kept, calls = first.read_bytes(), []
    assert (run / 'test-on-other').is_dir()
    assert not (run / 'test-on-other/result.json').exists()
    tested, _ = cross_evaluate(
        [run], ('mine', 'other'), bases=sets.root / BASES, progress=lambda *t: calls.append(t)
    )
    assert calls == [(0, 1, f'{run} on other')]
    assert [each.result for each in tested] == [result(run / 'test-on-mine'), result(run / 'test-on-other')]
    assert first.read_bytes() == kept


def test_edited_training_images_belong_to_the_set_they_are_of(sets, tmp_path, again):
    add_set(sets, 'mine_rust', seed=3)
    run = tmp_path / 'runs/edited'
    shutil.copytree(sets.root / 'runs/mine/seed0', run)
    cfg = trained_config(sets, 'mine')
    cfg.train_dataloader.dataset.data_root = str(sets.root / 'sets/mine_rust')
    save_config(cfg, run / 'train')
    assert again(tmp_path / 'runs') == ['edited/test-on-mine']
    (tested,), _ = cross_evaluate([run], bases=sets.root / BASES)
    assert (tested.trained_on, tested.tested_on, tested.home) == ('mine_rust', 'mine', True)


def test_a_set_without_a_base_is_that_of_its_run(sets, judged, again, tmp_path):
    assert again(judged, bases=tmp_path) == []
    own = find_sets(None, read_runs([judged])[0], 'test', tmp_path)
    assert [(each.name, each.classes) for each in own] == [('mine', 2), ('other', 2)]


def test_pipeline_and_evaluator_stay_those_of_the_run(sets):
    (run,), _ = read_runs([sets.root / 'runs/mine/seed0'])
    resize = ConfigDict(type='Resize', scale=(32, 32))
    run.cfg.test_dataloader.dataset.pipeline.insert(1, resize)
    run.cfg.test_evaluator = dict(type='DefectMetric', components=False)
    before = copy.deepcopy(run.cfg)
    own, other = find_sets(('mine', 'other'), [run], 'test', sets.root / BASES)
    cfg = config_on(run, 'test', other)
    assert cfg.test_dataloader.dataset.data_root == str(sets.root / 'sets/other')
    assert cfg.test_dataloader.dataset.pipeline == before.test_dataloader.dataset.pipeline
    assert cfg.test_evaluator == before.test_evaluator
    assert config_on(run, 'test', own) is run.cfg
    cfg.test_dataloader.dataset.pipeline.pop()
    assert run.cfg.to_dict() == before.to_dict()


def test_every_part_of_a_joined_set_gets_the_pipeline(sets):
    (run,), _ = read_runs([sets.root / 'runs/mine/seed0'])
    parts = [
        dict(type='CheckedSegDataset', data_root=str(sets.root / f'sets/{name}')) for name in ('mine', 'other')
    ]
    for part in parts:
        part |= dict(data_prefix=dict(img_path='img_dir/test', seg_map_path='ann_dir/test'))
        part |= dict(metainfo=dict(classes=('background', 'blob')))
    loader = dict(batch_size=1, dataset=dict(type='ConcatDataset', datasets=parts))
    (sets.root / BASES / 'joined.py').write_text(f'test_dataloader = {loader!r}')
    (joined,) = find_sets(('joined',), [run], 'test', sets.root / BASES)
    leaves = config_on(run, 'test', joined).test_dataloader.dataset.datasets
    assert [leaf.pipeline for leaf in leaves] == [run.cfg.test_dataloader.dataset.pipeline] * 2


def test_other_classes_are_refused_before_anything_is_judged(sets, tmp_path, again):
    shutil.copytree(sets.root / 'runs', tmp_path / 'runs')
    add_set(sets, 'three', classes=3, seed=4)
    with pytest.raises(
        UsageError, match=r'mine/seed0 was trained on mine with 2 classes, the data set three has 3;'
    ):
        cross_evaluate([tmp_path / 'runs'], ('mine', 'three'), bases=sets.root / BASES)
    assert not list((tmp_path / 'runs').rglob('*-on-*'))


def test_wrong_names_and_folders(sets, tmp_path):
    runs, bases = [sets.root / 'runs'], sets.root / BASES
    with pytest.raises(UsageError, match=r'--datasets othr: no .*othr.py, and no run .* did you mean other'):
        cross_evaluate(runs, ('mine', 'othr'), bases=bases)
    (tmp_path / 'begun/train/ckpt').mkdir(parents=True)
    with pytest.raises(UsageError, match=r'begun: its training is not finished; left out\n.*no finished run'):
        cross_evaluate([tmp_path / 'begun'], bases=bases)
    text = (bases / 'other.py').read_text()
    (bases / 'broken.py').write_text(text.replace("'CheckedSegDataset'", "'CheckedSegDataset', nonsense=1"))
    with pytest.raises(UsageError, match=r'data set broken: .*nonsense'):
        cross_evaluate(runs, ('broken',), bases=bases)


def test_data_that_is_not_there_is_told_before_anything_is_judged(sets, tmp_path, again):
    add_set(sets, 'gone', seed=5)
    (sets.root / 'sets/gone/ann_dir/test/test_001.png').unlink()
    shutil.copytree(sets.root / 'runs/mine', tmp_path / 'mine')
    with pytest.raises(DataError, match=r'gone: .*test_001'):
        cross_evaluate([tmp_path / 'mine'], ('mine', 'gone'), bases=sets.root / BASES)
    assert not list((tmp_path / 'mine').rglob('*-on-*'))
