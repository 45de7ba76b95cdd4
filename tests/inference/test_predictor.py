"""``mmseg_ext.load(...).predict(...)``: equal to mmseg's own prediction, in whatever way it is asked."""

import copy
import os
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmseg.registry import DATASETS
from untrained_run import UNET, WEIGHTS

import mmseg_ext
from mmseg_ext.errors import DataError, RunError, UsageError
from mmseg_ext.inference import Tiling
from mmseg_ext.inference.predictor import Predictor

LOAD, PACK = dict(type='LoadImageFromFile'), dict(type='PackSegInputs')


def paths(project) -> list:
    return sorted((project.data / 'img_dir/test').iterdir())


def single_logit(model: dict) -> dict:
    model = copy.deepcopy(model)
    model['decode_head'].update(num_classes=2, out_channels=1, threshold=0.6)
    return model


def by_mmseg(run, options: dict | None = None) -> list:
    """What mmseg predicts when it tests: the data set, its pipeline, ``test_step``."""
    cfg = Config.fromfile(run / 'train/config.py')
    cfg.merge_from_dict(options or {})
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    predictor = mmseg_ext.load(cfg, run)
    with torch.no_grad():
        return [predictor.model.test_step(pseudo_collate([dataset[i]]))[0] for i in range(len(dataset))]


@pytest.mark.parametrize(
    'pipeline',
    [
        [LOAD, dict(type='LoadAnnotations'), PACK],
        [LOAD, dict(type='Resize', scale=(97, 61), keep_ratio=True), dict(type='LoadAnnotations'), PACK],
        [LOAD, dict(type='Resize', scale=(33, 150), keep_ratio=False), PACK],
    ],
    ids=['as is', 'larger, odd size', 'squeezed'],
)
def test_equals_mmseg(project, make_run, pipeline):
    run = make_run(pipeline=pipeline)
    model = mmseg_ext.load(checkpoint=run)
    for path, expected in zip(paths(project), by_mmseg(run), strict=True):
        mask, scores = model.predict(path)
        assert (mask.dtype, scores.dtype) == (np.uint8, np.float32)
        assert mask.shape == (64, 80)
        assert len(np.unique(mask)) > 1
        np.testing.assert_array_equal(mask, expected.pred_sem_seg.data[0])
        np.testing.assert_allclose(scores, expected.seg_logits.data.softmax(0), atol=1e-6)


def test_a_single_logit_and_a_sliding_window_equal_mmseg(project, make_run):
    for name, model in (
        ('single', single_logit(UNET)),
        ('slide', dict(UNET, test_cfg=dict(mode='slide', crop_size=(48, 48), stride=(32, 32)))),
    ):
        run, options = make_run(model, [LOAD, PACK], name), {}
        if name == 'single':
            options = {'test_dataloader.dataset.metainfo': dict(classes=['background', 'blob'])}
            cfg = Config.fromfile(run / 'train/config.py')
            cfg.merge_from_dict(options)
            cfg.dump(run / 'train/config.py')
        predictor = mmseg_ext.load(checkpoint=run)
        for path, expected in zip(paths(project), by_mmseg(run, options), strict=True):
            mask, scores = predictor.predict(path)
            np.testing.assert_array_equal(mask, expected.pred_sem_seg.data[0])
            logits = expected.seg_logits.data
            np.testing.assert_allclose(scores, logits if name == 'single' else logits.softmax(0), atol=1e-6)
            assert 0 < mask.mean() < 2


def test_an_array_is_bgr_and_equals_its_file(project, make_run):
    model = mmseg_ext.load(checkpoint=make_run())
    array = cv2.imread(str(paths(project)[0]))
    (one, sure), (other, same) = model.predict(str(paths(project)[0])), model.predict(array)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(sure, same)
    assert (model.predict(np.ascontiguousarray(array[..., ::-1]))[1] != sure).any()


def test_many_are_in_order_and_name_their_source(project, make_run):
    model = mmseg_ext.load(checkpoint=make_run())
    order = [paths(project)[i] for i in (2, 0, 1, 2)]
    results = list(model.predict_many(iter(order), workers=3))
    assert [result.source for result in results] == order
    for result in results:
        mask, scores = model.predict(result.source)
        np.testing.assert_array_equal(result.mask, mask)
        assert result.scores is None
        at = np.nonzero(mask)
        np.testing.assert_allclose(result.confidence, scores[mask[at], at[0], at[1]], atol=1e-6)
        np.testing.assert_array_equal(result.image, cv2.imread(str(result.source)))


def test_a_broken_image_stops_or_is_told(project, make_run, tmp_path):
    model = mmseg_ext.load(checkpoint=make_run())
    (tmp_path / 'text.png').write_text('hello')
    (tmp_path / 'empty.jpg').touch()
    (tmp_path / 'cut.png').write_bytes(paths(project)[0].read_bytes()[:900])
    names = [str(tmp_path / name) for name in ('text.png', 'empty.jpg', 'cut.png', 'none.png')]
    for name, said in zip(
        names, ('cannot be decoded', 'an empty file', 'cannot be decoded', 'No such file'), strict=True
    ):
        with pytest.raises(DataError, match=said) as caught:
            model.predict(name)
        assert str(caught.value).startswith(f'{name}: ')
    told = []
    good = str(paths(project)[0])
    results = list(model.predict_many([*names, good], on_error=lambda source, error: told.append(source)))
    assert told == names
    assert [result.source for result in results] == [good]


def test_failures_of_the_network_name_the_image(project, make_run, monkeypatch):
    model, source = mmseg_ext.load(checkpoint=make_run()), str(paths(project)[0])
    for error, kind, said in (
        (RuntimeError('sizes differ\nstack'), DataError, f'{source}: the network fails on it: sizes differ'),
        (torch.OutOfMemoryError('no'), RunError, f'{source}: the GPU has no memory left'),
    ):

        def fail(*arguments, error=error):
            raise error

        monkeypatch.setattr(model.model, 'inference', fail)
        with pytest.raises(kind, match=re.escape(said)):
            model.predict(source)


@pytest.mark.parametrize(
    'array',
    [
        np.zeros((3, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_refused(make_run, array):
    with pytest.raises(DataError, match='channels BGR'):
        mmseg_ext.load(checkpoint=make_run()).predict(array)


def test_every_way_to_name_a_model(project, make_run):
    run = make_run()
    weights = run / WEIGHTS
    expected = mmseg_ext.load(run / 'train/config.py', weights).predict(paths(project)[0])[1]
    for arguments in ((None, weights), (None, run), (str(run / 'train/config.py'), str(run))):
        np.testing.assert_array_equal(mmseg_ext.load(*arguments).predict(paths(project)[0])[1], expected)
    model = mmseg_ext.load(checkpoint=run, device='cpu')
    assert model.classes == ['background', 'blob1', 'blob2']
    assert len(model.palette) == 3


def test_what_cannot_be_loaded_is_one_line(project, make_run, tmp_path):
    run = make_run()
    alone = shutil.copy(run / WEIGHTS, tmp_path / 'alone.pth')
    cfg = Config.fromfile(run / 'train/config.py')
    more = copy.deepcopy(cfg)
    more.model.decode_head.num_classes = 4
    both = copy.deepcopy(more)
    both.test_dataloader.dataset.metainfo = dict(classes=['background', 'a', 'b', 'c'])
    for arguments, said in (
        ((None, alone), 'lies in no run'),
        ((None, tmp_path / 'none.pth'), 'no such checkpoint'),
        ((tmp_path / 'none.py', run), 'no such config'),
        ((None, tmp_path), 'no checkpoint there'),
        ((None, None), 'no checkpoint given'),
        ((project.recipe, alone), 'no weight of it has a name|weights are missing|another model'),
        ((more, run), 'the number of classes differs'),
        ((both, run), 'it predicts 3 classes, this config 4'),
        ((None, run, 'cuda:99'), 'device cuda:99'),
        ((None, run, 'toaster'), 'device toaster'),
        ((None, run, None, 'some'), "tile 'some'"),
        ((None, run, None, 256, 200), 'overlap 200'),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            mmseg_ext.load(*arguments)
        assert len(str(caught.value).splitlines()) == 1


def test_importing_the_package_stays_light():
    code = 'import mmseg_ext, sys; assert not {"torch", "mmengine", "numpy"} & set(sys.modules); mmseg_ext.load'
    subprocess.run([sys.executable, '-c', code], check=True, timeout=60)


def test_tiles_equal_the_whole_image(make_run):
    run = make_run()
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (21, 25, 3), dtype=np.uint8)
    image = cv2.resize(blocks, (717, 601), interpolation=cv2.INTER_CUBIC)
    mask, scores = mmseg_ext.load(checkpoint=run, tile='none').predict(image)
    assert len(np.unique(mask)) == 3
    tiled = Predictor(run / 'train/config.py', run / WEIGHTS, tiling=Tiling(320, 150))
    rows, columns = tiled.network.spans(tiled.reader(image))
    assert (len(rows), len(columns)) == (3, 4)
    (result,) = tiled.predict_many([image], scores=True)
    np.testing.assert_allclose(result.scores, scores, atol=1e-5)
    assert (result.mask != mask).mean() < 1e-4  # where two classes are equally likely to five digits
    np.testing.assert_allclose(result.confidence, result.scores.max(0)[result.mask > 0], atol=1e-6)


def test_auto_tiles_only_what_is_large(monkeypatch, make_run):
    model = mmseg_ext.load(checkpoint=make_run())
    image = np.zeros((100, 160, 3), np.uint8)
    sample = model.reader(image)
    assert model.network.spans(sample) == ([(0, 100)], [(0, 160)])
    monkeypatch.setattr('mmseg_ext.inference.tiles.WHOLE_LIMIT', 100 * 160 - 1)
    monkeypatch.setattr('mmseg_ext.inference.tiles.AUTO_TILE', 64)
    model.network.tiling = Tiling('auto', 32)
    assert [len(each) for each in model.network.spans(sample)] == [3, 4]
    assert model.predict(image)[0].shape == (100, 160)


def test_an_image_that_the_pipeline_resizes_is_not_cut(project, make_run):
    run = make_run(pipeline=[LOAD, dict(type='Resize', scale_factor=2.0), PACK])
    whole, tiled = (mmseg_ext.load(checkpoint=run, tile=tile, overlap=32) for tile in ('none', 64))
    np.testing.assert_array_equal(*(model.predict(paths(project)[0])[1] for model in (whole, tiled)))


BIG = """
import sys
from pathlib import Path
import numpy as np, torch
torch.set_num_threads(1)
import mmseg_ext

def status(name):
    return int(Path('/proc/self/status').read_text().partition(name + ':')[2].split()[0])

model = mmseg_ext.load(checkpoint=sys.argv[1], tile=512, overlap=64)
model.predict(np.zeros((64, 64, 3), np.uint8))
image = np.zeros((4000, 2000, 3), np.uint8)
image[2000:2010, 1000:1010] = 255
Path('/proc/self/clear_refs').write_text('5')  # the peak is forgotten, that of the process it was forked from too
before = status('VmRSS')
(result,) = model.predict_many([image])
print(status('VmHWM') - before, np.unique(result.mask).size)
"""


def test_memory_of_a_large_image_is_that_of_a_row_of_tiles(make_run):
    model = copy.deepcopy(UNET)
    model['backbone'].update(base_channels=2, num_stages=1, strides=(1,), enc_num_convs=(1,), dec_num_convs=())
    model['backbone'].update(downsamples=(), enc_dilations=(1,), dec_dilations=())
    model['decode_head'].update(in_channels=2, channels=2, num_convs=0, num_classes=32)
    run = make_run(model)
    cfg = Config.fromfile(run / 'train/config.py')
    cfg.test_dataloader.dataset.metainfo = dict(classes=[f'class{k}' for k in range(32)])
    cfg.dump(run / 'train/config.py')
    # Freed blocks go back to the system at once: what the allocator would keep differs from run to run.
    environment = dict(os.environ, MALLOC_MMAP_THRESHOLD_='65536')
    call = [sys.executable, '-c', BIG, run]
    done = subprocess.run(call, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    kib, classes = map(int, done.stdout.split())
    assert classes > 1
    logits = 32 * 4000 * 2000 * 4 / 2**20  # 977 MiB, were they all kept
    assert kib / 2**10 < logits / 2  # one row of tiles holds an eighth of them, intermediate results as much again
