"""Every plan of configs/sweeps is complete, and its labels speak of what its runs train."""

import re
import shlex
from pathlib import Path

import pytest
from mmengine.config import Config

import mmseg_ext.engine  # noqa: F401 registers what the configs name
from mmseg_ext.engine.cli import KEYS
from mmseg_ext.engine.names import type_problems
from mmseg_ext.engine.preflight import class_problems
from mmseg_ext.sweeps.plans.configs import JobConfigs
from mmseg_ext.sweeps.plans.plan import Line, Plan, read_plan

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    file.stem: file for file in (ROOT / 'configs/sweeps').glob('*.yaml') if not file.stem.startswith('space_')
}
RUNS = dict(relabel=18, losses=18, focal_ce=27, words=21, results=72, gamma=12, quick=2)
SMALL = dict(
    closed_loop=21, closed_loop_controls=12, closed_loop_labels=30, closed_loop_longer=15
)  # of rendered blades
TABLES = sorted(RUNS.keys() - {'quick'})
TWELVE = ['GCNet', 'APCNet', 'PSPNet', 'Fast-SCNN', 'MobileNetV3', 'UPerNet']
TWELVE += ['ANN', 'BiSeNetV2', 'BEiT', 'ViT', 'CCNet', 'DANet']
RELABELED = 'wta_512_peeling_relabeled'


@pytest.fixture(scope='module')
def plans(tmp_path_factory) -> dict[str, Plan]:
    project = tmp_path_factory.mktemp('work_dirs') / 'p'
    return {name: read_plan(file, project) for name, file in FILES.items()}


@pytest.fixture(scope='module')
def configs(plans) -> dict[Path, Config]:
    """The merged config of every job by its folder."""
    evaluated = JobConfigs()
    return {job.folder: evaluated.of(job).cfg for plan in plans.values() for job in plan.jobs}


def roots(cfg: Config) -> dict[str, str]:
    """The names of the data sets of the three splits."""
    return {split: Path(cfg[f'{split}_dataloader'].dataset.data_root).name for split in ('train', 'val', 'test')}


def losses(cfg: Config) -> list[str]:
    """The types of the losses of the head that decodes; all auxiliary heads have the same."""
    heads = [cfg.model.decode_head, *cfg.model.auxiliary_head]
    types = [
        [each.type for each in (h.loss_decode if isinstance(h.loss_decode, list) else [h.loss_decode])]
        for h in heads
    ]
    assert types == [types[0]] * len(types)
    return types[0]


def of(plan: Plan, configs: dict[Path, Config]) -> list[tuple[Line, Config]]:
    return [(line, configs[line.jobs[0].folder]) for line in plan.lines]


@pytest.mark.parametrize(('name', 'runs'), (RUNS | SMALL).items())
def test_number_of_runs(plans, name, runs):
    plan, text = plans[name], FILES[name].read_text(encoding='utf-8')
    assert len(plan.jobs) == runs == sum(len(line.jobs) for line in plan.lines)
    assert name == 'quick' or f'= {runs} runs' in text
    assert {job.seed for job in plan.jobs} == ({0} if name == 'quick' else {0, 1, 2})


@pytest.mark.parametrize('name', FILES)
def test_every_plan_says_how_to_start_it(plans, name):
    text = FILES[name].read_text(encoding='utf-8')
    assert f'bash bash/run_main.sh --project {name} ' in text
    assert f'--sweep configs/sweeps/{name}.yaml' in text
    assert len({(line.model, line.group) for line in plans[name].lines}) == len(plans[name].lines)


@pytest.mark.parametrize('name', FILES)
def test_every_run_is_complete(plans, configs, name):
    for job in plans[name].jobs:
        cfg = configs[job.folder]
        assert [key for key in KEYS if key not in cfg] == []
        assert type_problems(cfg) == []
        assert list(class_problems(cfg.model, {'data': cfg.num_classes})) == []


@pytest.mark.parametrize('name', TABLES)
def test_the_tables_share_schedule_and_judge_on_the_real_images(plans, configs, name):
    schedule = Config.fromfile(ROOT / 'configs/_base_/schedules/schedule_40k_lr160k.py')
    for line, cfg in of(plans[name], configs):
        assert cfg.param_scheduler == schedule.param_scheduler
        assert cfg.train_cfg == schedule.train_cfg
        expected = {'BEiT': 3e-5, 'ViT': 6e-5}.get(line.model, 1e-3)
        assert cfg.optim_wrapper.optimizer.lr == pytest.approx(expected)
        assert [roots(cfg)[split] for split in ('val', 'test')] == ['wta_512'] * 2
        assert cfg.crop_size == (512, 512)


def test_lines_of_a_plan_differ_in_what_their_labels_say_alone(plans, configs):
    """Runs of one model differ in data and loss alone."""
    for name in TABLES:
        models = {}
        for line, cfg in of(plans[name], configs):
            kept = cfg.to_dict()
            for key in ('loss_decode', 'aux_loss_decode', 'train_dataloader'):
                kept.pop(key)
            for head in (kept['model']['decode_head'], *kept['model']['auxiliary_head']):
                head.pop('loss_decode')
            assert models.setdefault(line.model, kept) == kept


def test_relabel_is_table_1(plans, configs):
    assert plans['relabel'].columns == ('Model', 'Trained on')
    found = {(line.model, line.group): roots(cfg)['train'] for line, cfg in of(plans['relabel'], configs)}
    groups = {
        'Original dataset': 'wta_512',
        'w/o re-labeling (peeling)': 'wta_512_peeling',
        'w/ re-labeling (peeling)': RELABELED,
    }
    assert found == {
        (model, group): root for model in ('Fast-SCNN', 'MobileNetV3') for group, root in groups.items()
    }


def test_losses_are_table_2(plans, configs):
    plan = plans['losses']
    assert plan.columns == ('Dataset', 'Loss Func.')
    ce, dice, focal, tversky = 'MaskedCrossEntropyLoss', 'SoftDiceLoss', 'SoftmaxFocalLoss', 'SoftTverskyLoss'
    assert {line.group: losses(cfg) for line, cfg in of(plan, configs)} == {
        'Focal': [focal],
        'Tversky': [tversky],
        'CrossEntropy': [ce],
        'Dice': [dice],
        'Focal+Tversky': [focal, tversky],
        'Dice+CE': [dice, ce],
    }
    for _, cfg in of(plan, configs):
        assert cfg.optim_wrapper.optimizer.lr == 1e-3
        assert roots(cfg)['train'] == 'wta_512'
        assert cfg.model.backbone.type == 'FastSCNN'


def test_focal_and_cross_entropy_are_table_3(plans, configs):
    found = {
        (line.model, line.group): (losses(cfg), roots(cfg)['train'])
        for line, cfg in of(plans['focal_ce'], configs)
    }
    groups = {
        'Focal w/o aug.': (['SoftmaxFocalLoss'], 'wta_512'),
        'CrossEntropy w/ peeling': (['MaskedCrossEntropyLoss'], RELABELED),
        'Focal w/ peeling': (['SoftmaxFocalLoss'], RELABELED),
    }
    models = ('Fast-SCNN', 'MobileNetV3', 'BiSeNetV2')
    assert found == {(model, group): what for model in models for group, what in groups.items()}


def test_words_are_table_4(plans, configs):
    plan = plans['words']
    assert plan.marks == 'change'
    found = [(line.group, roots(cfg)['train'], losses(cfg)) for line, cfg in of(plan, configs)]
    words = ['blistering', 'corrosion', 'dent', 'peeling', 'rust', 'scratch']
    sets = [('Original', 'wta_512'), *((word, f'wta_512_{word}') for word in words)]
    assert found == [(group, root, ['SoftmaxFocalLoss']) for group, root in sets]


def test_results_are_twelve_models_with_and_without_edits(plans, configs):
    plan = plans['results']
    assert plan.marks == 'change'
    assert [line.model for line in plan.lines] == [model for model in TWELVE for _ in range(2)]
    assert [line.group for line in plan.lines] == ['Original', 'w/ Augmented'] * 12
    for line, cfg in of(plan, configs):
        assert roots(cfg)['train'] == ('wta_512' if line.group == 'Original' else RELABELED)
        assert losses(cfg) == ['SoftmaxFocalLoss']
        folder = line.jobs[0].folder.parents[1].name
        assert re.sub(r'\W|_', '', folder) == re.sub(r'\W|_', '', line.model.lower())


def test_gamma_reaches_every_head(plans, configs):
    for line, cfg in of(plans['gamma'], configs):
        heads = [cfg.model.decode_head, *cfg.model.auxiliary_head]
        assert len(heads) == 3
        assert [head.loss_decode.gamma for head in heads] == [float(line.group)] * 3
        assert [head.loss_decode.alpha for head in heads] == [[0.1, 0.3, 0.6]] * 3
        assert [head.loss_decode.loss_weight for head in heads] == [1.0, 0.4, 0.4]
    assert [line.group for line in plans['gamma'].lines] == ['0.5', '1', '2', '5']


def test_plans_of_one_project_share_the_runs_they_have_in_common(plans):
    folders = {name: {job.folder for job in plan.jobs} for name, plan in plans.items()}
    assert len(folders['losses'] & folders['gamma'] & folders['results'] & folders['words']) == 3
    assert len(folders['focal_ce'] & folders['results']) == 18


def test_quick_trains_two_losses_on_what_it_renders(plans, configs):
    plan = plans['quick']
    for _, cfg in of(plan, configs):
        assert set(roots(cfg).values()) == {'demo_blade'}
        assert cfg.train_cfg.max_iters == cfg.param_scheduler[-1].end == 300
        assert cfg.train_cfg.val_interval == cfg.default_hooks.checkpoint.interval == 100
    assert [losses(cfg)[-1] for _, cfg in of(plan, configs)] == [
        'MaskedCrossEntropyLoss',
        'BalancedCrossEntropyLoss',
    ]
    ((path, command),) = plan.prepare.items()
    assert path == configs[plan.jobs[0].folder].train_dataloader.dataset.data_root
    program, tool, *arguments = shlex.split(command)
    assert (program, arguments) == ('python', ['--out', path])
    assert (ROOT / tool).is_file()
