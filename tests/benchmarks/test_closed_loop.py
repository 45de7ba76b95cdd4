"""The closed loop where a mistake would be silent: what is trained on, how labels are judged, what is counted."""

from pathlib import Path

import closed_loop
import closed_loop_data as data
import numpy as np
import pytest
import torch
from closed_loop_labels import Faults, faults, policy_table
from closed_loop_text import NOT_SHOWN, report
from fake_project import draw_confusions, write_plan, write_run
from PIL import Image

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from augment.config.settings import WORDS, LabelSettings
from mmseg_ext.engine.recipe import first_difference
from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.rendering import RenderSettings, render_set
from mmseg_ext.reports.comparison.records import read_project
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.plan import read_plan

ROOT = Path(__file__).parents[2]
PAINTED = slice(300, 312), slice(300, 312)  # of an edit, beside its defect


@pytest.fixture(scope='module')
def rendered(tmp_path_factory):
    """A project folder with three training photographs; two of them have a rough edit towards peeling."""
    root = tmp_path_factory.mktemp('loop')
    render_set(root / data.BLADES, RenderSettings(train=3, val=1, test=1))
    render_set(root / data.OTHERS, RenderSettings(seed=1, train=3, val=1, test=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        edits = [paint(data.read(data.BLADES, stem)) for stem in data.photographs()[:2]]
        data.write_grown(data.WORD, edits)
        for edit in edits:
            mask = np.zeros(edit.label.shape, np.uint8)
            mask[PAINTED] = 255
            file = data.folder_of(data.WORD) / f'masks/{edit.name}.png'
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(mask).save(file)
    return root


@pytest.fixture
def inside(rendered, monkeypatch):
    monkeypatch.chdir(rendered)
    return rendered


def paint(shown: data.Shown) -> data.Shown:
    """An edit: white where there is no defect, under the old label."""
    image = shown.image.copy()
    image[PAINTED] = 255
    assert not shown.label[PAINTED].any()
    return data.Shown(f'{shown.name}__{data.WORD}', image, shown.label)


def names(name: str) -> list[str]:
    return data.photographs(data.folder_of(name))


def test_a_set_holds_the_photographs_and_what_is_added(inside):
    assert names(data.WORD) == [
        'train_0000',
        'train_0000__peeling',
        'train_0001',
        'train_0001__peeling',
        'train_0002',
    ]
    assert data.edited(data.WORD) == ['train_0000', 'train_0001']
    data.write_grown('more', data.others())
    assert names('more') == [*(f'more_train_{k:04d}' for k in range(3)), *data.photographs()]
    other, own = data.read(data.folder_of('more'), 'more_train_0000'), data.read(data.BLADES, 'train_0000')
    assert (other.image != own.image).any()
    data.write_grown('more', [])
    assert names('more') == data.photographs()


def test_policies_share_the_pixels_and_differ_in_the_label(inside):
    for mode, expected in (('copy', 0), ('ignore-ring', 144)):
        found = list(data.relabelled(LabelSettings(mode=mode)))
        assert [shown.name for shown in found] == ['train_0000__peeling', 'train_0001__peeling']
        for shown in found:
            stored = data.read(data.folder_of(data.WORD), shown.name)
            assert np.array_equal(shown.image, stored.image)
            changed = shown.label != stored.label
            assert changed.sum() == expected == (shown.label == 255).sum()
            assert not changed[shown.image.min(-1) < 255].any()


def test_variants_keep_every_pixel_of_the_defect_and_come_out_alike(inside):
    first, again = (list(data.variants('rust', ['train_0001'])) for _ in range(2))
    (shown, region), before = first[0], data.read(data.BLADES, 'train_0001')
    assert np.array_equal(shown.image, again[0][0].image)
    assert np.array_equal(shown.label, before.label)
    assert region.any()
    assert np.array_equal(shown.image[~region], before.image[~region])
    assert not (region & (before.label > 0)).any()


def test_a_failed_command_stops_the_loop_unless_it_failed_for_few():
    data.Command(('-c', 'raise SystemExit(3)'), fine=(0, 3)).run()
    with pytest.raises(RunError, match='exit code 3 from python -c'):
        data.Command(('-c', 'raise SystemExit(3)')).run()


def test_faults_by_hand():
    """Of class 1 eight pixels are kept and two lost, of class 2 all five kept; class 1 is given three more."""
    pixels = torch.tensor([[97, 3, 0], [2, 8, 0], [0, 0, 5]])
    expected = Faults(iou=100 * (8 / 13 + 1) / 2, added=100 * 3 / 15, withdrawn=40)
    assert faults(pixels, 4, 10) == pytest.approx(expected)


def test_the_table_of_policies_has_a_line_a_word(inside):
    lines = policy_table().splitlines()[2:]
    assert [line.split(' | ')[0].removeprefix('| ') for line in lines] == list(WORDS)
    shares = np.array([[float(cell) for cell in line.strip('| ').split(' | ')[1:]] for line in lines])
    assert ((shares[:, [0, 2]] >= 0) & (shares[:, [0, 2]] <= 100)).all()
    assert (shares[:, 2] > 0).all()


@pytest.fixture(scope='module')
def arms(tmp_path_factory):
    """The config of each arm, (network, set, pipeline) -> config, and the folders of all runs of the plans."""
    configs, found, folders = JobConfigs(), {}, set()
    for name in closed_loop.PLANS:
        plan = read_plan(ROOT / f'configs/sweeps/{name}.yaml', tmp_path_factory.getbasetemp() / 'work_dirs/p')
        folders |= {job.folder for job in plan.jobs}
        for line in plan.lines:
            cfg = configs.of(line.jobs[0]).cfg
            found[line.model, cfg.train_dataloader.dataset.data_root, len(cfg.train_pipeline)] = cfg
    return found, folders


def test_plans_share_runs_and_train_on_sets_that_are_made(arms):
    found, folders = arms
    assert len(folders) == 51
    made = [data.BLADES, *map(data.folder_of, (*WORDS, 'peeling_true', 'more'))]
    made += [data.folder_of(f'{data.WORD}_{name}') for name in data.POLICIES]
    assert {root for _, root, _ in found} == {path.as_posix() for path in made}


def test_arms_of_a_network_differ_in_what_they_train_on_alone(arms):
    found, _ = arms
    first = {}
    for (network, root, _), cfg in found.items():
        kept = cfg.to_dict()
        kept['train_dataloader']['dataset'] = kept['train_pipeline'] = None
        assert first_difference(kept, first.setdefault(network, kept)) == ''
        assert cfg.train_dataloader.batch_size == 5
        assert cfg.train_cfg.max_iters == cfg.param_scheduler[-1].end == 300
        judged = {cfg[f'{split}_dataloader'].dataset.data_root for split in ('val', 'test')}
        assert judged == {data.BLADES.as_posix()}, root
    assert {cfg.train_dataloader.dataset.type for cfg in found.values()} == {'WTADataset'}
    assert set(first) == {'Fast-SCNN', 'U-Net'}


@pytest.fixture
def project(tmp_path):
    """A project in which rust gains much, dent loses much, and nothing else happens."""
    recalls = {'Original': 0.5, 'rust': 0.8, 'dent': 0.25, 'peeling': 0.5}
    rows = {}
    for number, (arm, recall) in enumerate(recalls.items()):
        rows['Fast-SCNN', arm] = [f'exp/net/{arm}/seed{seed}' for seed in range(3)]
        for seed, run in enumerate(rows['Fast-SCNN', arm]):
            write_run(tmp_path / run, draw_confusions(60, recall, seed=100 * number + seed), seed=seed)
    write_plan(tmp_path, 'closed_loop', rows)
    some = {key: rows[key] for key in (('Fast-SCNN', 'Original'), ('Fast-SCNN', 'rust'))}
    write_plan(tmp_path, 'closed_loop_controls', some, title='Else')
    return read_project(tmp_path)


def test_the_sentence_counts_gains_and_losses(project):
    text = report(project, closed_loop.PLANS, {'rust': 7, 'dent': 6, 'peeling': 5})
    assert 'Of 3 words 1 gain and 1 lose more than noise' in text
    assert 'up to about 0.2 would by chance' in text
    assert 'rust 7, dent 6, peeling 5' in text
    assert '3 seeds a row' in text
    assert 'The rule that knows the noise chooses rust' in text
    assert text.count('### ') == 2
    assert text.count('| Fast-SCNN | rust | 3 | ') == 2
    assert 'Beside them: Fast-SCNN, rust +' in text
    assert text.endswith(NOT_SHOWN)


def test_without_a_baseline_there_are_numbers_and_no_verdict(tmp_path):
    run = 'exp/net/rust/seed0'
    write_run(tmp_path / run, draw_confusions(20, 0.5), seed=0)
    write_plan(tmp_path, 'closed_loop', {('N', 'Original'): ['exp/net/none/seed0'], ('N', 'rust'): [run]})
    text = report(read_project(tmp_path), closed_loop.PLANS, {'rust': 1})
    assert '| N | rust | 1 |' in text
    assert 'Of 1 words' not in text


def test_a_row_a_run_and_plan_once(project, tmp_path, monkeypatch):
    table = closed_loop.RunTable(tmp_path / 'rows.csv', closed_loop.TABLE.key, closed_loop.TABLE.columns)
    monkeypatch.setattr(closed_loop, 'TABLE', table)
    monkeypatch.setattr(closed_loop, 'SCORES', ('IoU.attached', 'mIoU_fg'))
    for _ in range(2):
        closed_loop.append_rows(project)
    rows = table.rows()
    assert len(rows) == 4 * 3 + 2 * 3
    rust = next(row for row in rows if row['arm'] == 'rust' and row['seed'] == '2')
    stored = next(row for row in project.comparisons[0].rows if row.group == 'rust').runs[2]
    assert float(rust['mIoU_fg']) == pytest.approx(stored.result['scores']['mIoU_fg'], abs=1e-4)


def test_nothing_to_print_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(closed_loop, 'TEXT', tmp_path / 'none.md')
    with pytest.raises(UsageError, match=r'none\.md: nothing has been measured yet'):
        closed_loop.told()
