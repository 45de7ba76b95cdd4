"""A run judged by its answers to prompts: the best weights by PES, the result, its line, its worst pairs."""

import csv
import json

import cv2
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import DATASETS

from mmseg_ext.datasets import CheckedSegDataset
from mmseg_ext.engine.cli import report_run
from mmseg_ext.engine.judging import judge
from mmseg_ext.engine.training import find_checkpoint, train
from mmseg_ext.evaluation.prompted_metric import CURVE
from mmseg_ext.score_names import PROMPTED


@DATASETS.register_module()
class AskedTwice(CheckedSegDataset):
    """Every image as a positive pair and then as a negative one, whose target is all background."""

    def load_data_list(self) -> list[dict]:
        return [info for info in super().load_data_list() for _ in range(2)]

    def __getitem__(self, index: int) -> dict:
        sample = super().__getitem__(index)
        truth = sample['data_samples'].gt_sem_seg.data
        sample['data_samples'].set_metainfo(dict(positive=index % 2 == 0))
        sample['data_samples'].own_sem_seg = PixelData(data=(truth > 0).to(truth.dtype))
        sample['data_samples'].gt_sem_seg = PixelData(data=truth * (index % 2 == 0))
        return sample


@pytest.fixture(scope='module')
def judged(project, tmp_path_factory):
    """The config, the folder of the run and its results on validation and test split."""
    cfg = project.config(default_hooks__checkpoint__save_best='PES')
    for split in ('val', 'test'):
        cfg[f'{split}_evaluator'] = [dict(type='DefectMetric'), dict(type='PromptedMetric')]
        cfg[f'{split}_dataloader'].dataset.type = 'AskedTwice'
    folder = tmp_path_factory.mktemp('prompted')
    train(cfg, folder)
    result = judge(cfg, find_checkpoint(folder), 'test', folder / 'test')
    return cfg, folder, result


def test_the_best_weights_are_those_of_the_best_pes(judged):
    _, folder, _ = judged
    (best,) = (folder / 'train/ckpt').glob('best_*.pth')
    assert best.name.startswith('best_PES_iter_')
    training = json.loads((folder / 'train/result.json').read_text())
    content = torch.load(best, weights_only=False)
    assert training['scores']['PES'] == content['message_hub']['runtime_info']['best_score']


def test_the_result_has_the_scores_and_the_curve(judged):
    _, folder, result = judged
    written = json.loads((folder / 'test/result.json').read_text())
    assert set(PROMPTED) <= set(written['scores'])
    curve = written['curves']['response_rate']
    assert len(curve['threshold']) == len(curve['yield_rate']) == len(CURVE)
    assert curve['used'] == 0.000239
    assert written['threshold'] == dict(used=None, best=None, tag=None, origin='config')
    assert result['images'] == 6
    # The stand-in never sees a prompt, so it cannot answer differently.
    assert result['scores']['prompt_sensitivity'] == 0


def test_the_line_of_the_tool(judged, capsys):
    _, folder, result = judged
    report_run(result, folder / 'test')
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('tiny: 6 pairs of the test split')
    (line,) = [line for line in lines if 'catch_rate' in line]
    said = line.split()
    assert said[::2] == list(PROMPTED)
    for name, value in zip(said[::2], said[1::2], strict=True):
        score = result['scores'][name]
        assert value == ('–' if score != score else f'{score:.2f}')
    assert 'IoU' in '\n'.join(lines)
    report_run(result | dict(scores=dict.fromkeys(PROMPTED, 1.0)), folder / 'test')
    bare = capsys.readouterr().out.splitlines()
    assert bare[1].split()[:2] == ['catch_rate', '1.00']  # no empty table without DefectMetric


def test_a_row_and_a_strip_for_each_pair(judged, monkeypatch):
    """An image stands in two rows; the strip of a row must show the truth of that very pair."""
    cfg, folder, _ = judged
    seen = []
    monkeypatch.setattr('mmseg_ext.engine.judging.write_worst_sheet', lambda path, items, meta: seen.extend(items))
    judge(cfg, find_checkpoint(folder), 'test', folder / 'again')
    with (folder / 'again/per_image.csv').open(encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    assert [rows[i]['image'] for i in (0, 2, 4)] == [rows[i]['image'] for i in (1, 3, 5)]
    assert len(seen) == 6
    for row, truth, predicted in seen:
        assert [int((truth == k).sum()) for k in (1, 2)] == [row['labelled.blob1'], row['labelled.blob2']]
        assert int((predicted == 0).sum()) == row['predicted.background']
    assert cv2.imread(str(folder / 'test/worst.png')).std() > 5
