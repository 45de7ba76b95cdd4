"""Pretrained weights: used when they are there, one line when they are not, never waited for, always recorded."""

import functools
import hashlib
import json
import pickle
import socket
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

import mmseg_ext.models  # noqa: F401 registers the backbone
from mmseg_ext.engine import pretrained
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.pretrained import SCHEME, backbone_weights, find_weights, settle_pretrained
from mmseg_ext.engine.runner import build_runner, working_copy
from mmseg_ext.engine.training import train
from mmseg_ext.errors import UsageError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CONV = 'learning_to_downsample.conv.conv.weight'


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty torch cache, and an empty current folder."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    return tmp_path / 'torch/hub/checkpoints'


@pytest.fixture
def server(tmp_path):
    """A web server over a folder: (address, folder, paths asked for)."""
    folder, asked = tmp_path / 'www', []
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(Handler, directory=folder)) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{httpd.server_address[1]}', folder, asked
        httpd.shutdown()


def start_from(cfg: Config, name: str) -> Config:
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=name)
    return cfg


def settled(name: str) -> tuple[Config, str | None, list[str]]:
    cfg = Config(dict(train_dataloader={}, model=dict(backbone=dict(type='FastSCNN'))))
    used, missing = settle_pretrained(start_from(cfg, name))
    return cfg, used, missing


def backbone_file(project, path: Path) -> dict:
    """Write the weights of the tiny recipe's backbone, with a classifier that nobody wants. Returns them."""
    init_default_scope('mmseg')
    torch.manual_seed(7)
    weights = MODELS.build(project.config().model.backbone).state_dict()
    torch.save(dict(state_dict={**weights, 'fc.weight': torch.zeros(10, 128)}), path)
    return weights


def test_training_starts_from_the_file_and_says_so_even_when_it_is_resumed(project, tmp_path):
    file = tmp_path / 'weights.pth'
    weights = backbone_file(project, file)
    cfg = start_from(project.config(optim_wrapper__optimizer__lr=0.0, train_cfg__max_iters=3), str(file))
    result = train(cfg, tmp_path / 'run')
    assert result['pretrained'] == str(file)
    content = torch.load(tmp_path / 'run/train/ckpt/iter_3.pth', weights_only=False)
    assert torch.equal(content['state_dict'][f'backbone.{CONV}'], weights[CONV])
    file.unlink()
    (tmp_path / 'run/train/result.json').unlink()
    assert train(cfg, tmp_path / 'run', resume=True)['pretrained'] == str(file)


def test_without_the_file_training_starts_all_the_same_after_one_line(project, tmp_path, capfd):
    name = 'pretrain/nowhere.pth'
    result = train(start_from(project.config(train_cfg__max_iters=3), name), tmp_path / 'run')
    assert result['pretrained'] is None
    said = capfd.readouterr()
    (line,) = [line for line in (said.out + said.err).splitlines() if 'pretrained' in line]
    assert f'without the pretrained weights {name}: no such file; put it there ({Path(name).absolute()})' in line
    assert 'init_cfg' in (tmp_path / 'run/train/config.py').read_text()  # the run's own config still asks for them


def test_weights_of_another_network_are_refused(project, tmp_path):
    file = tmp_path / 'other.pth'
    torch.save(dict(model={CONV: torch.zeros(1), 'stem.weight': torch.zeros(3)}), file)
    cfg = start_from(project.config(), str(file))
    with pytest.raises(UsageError, match=r'other\.pth: pretrained weights of another network: 0 of \d+ weights'):
        build_runner(working_copy(cfg, tmp_path / 'run', 'other'))


def test_a_file_that_could_run_code_is_refused(project, tmp_path):
    file = tmp_path / 'evil.pth'
    torch.save(dict(state_dict={}, meta=Path('x')), file)
    with pytest.raises(UsageError, match='could run code'):
        build_runner(working_copy(start_from(project.config(), str(file)), tmp_path / 'run', 'evil'))
    file.write_bytes(pickle.dumps('text'))
    with pytest.raises(UsageError, match='not a checkpoint'):
        build_runner(working_copy(start_from(project.config(), str(file)), tmp_path / 'run', 'evil'))


@pytest.mark.parametrize('role', ['test', 'resume'])
def test_nothing_is_looked_for_when_the_weights_come_from_a_checkpoint(role, monkeypatch):
    monkeypatch.setattr(pretrained, 'find_weights', lambda name: pytest.fail('looked for weights'))
    cfg = Config(dict(model=dict(backbone=dict(type='FastSCNN'))))
    if role == 'resume':
        cfg.train_dataloader, cfg.load_from = {}, 'ckpt/iter_3.pth'
    used, missing = settle_pretrained(start_from(cfg, 'open-mmlab://resnet50_v1c'))
    assert cfg.model.backbone.init_cfg is None
    assert used == (None if role == 'test' else 'ckpt/iter_3.pth')
    assert missing == []


def test_a_refused_connection_is_one_line_that_says_where_to_put_the_file(cache):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{free.getsockname()[1]}/some/net.pth'
    cfg, used, (line,) = settled(url)
    assert used is None
    assert cfg.model.backbone.init_cfg is None
    assert line.startswith(f'without the pretrained weights {url}: it cannot be fetched (')
    assert line.endswith(f'put the file at {cache / "net.pth"} and start again')
    assert 'refused' in line
    assert not cache.exists()


def test_the_address_behind_a_name_is_said(monkeypatch):
    monkeypatch.setattr(pretrained, '_answer_problem', lambda url: 'offline')
    _, problem = find_weights('open-mmlab://resnet50_v1c')
    assert problem.startswith('https://')
    assert 'resnet50_v1c-2cccc1ad.pth cannot be fetched (offline); put the file at ' in problem


def test_a_server_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(pretrained, 'ANSWER', 0.3)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        start = time.perf_counter()
        file, problem = find_weights(f'http://127.0.0.1:{silent.getsockname()[1]}/net.pth')
    assert file is None
    assert 'no answer' in problem or 'timed out' in problem
    assert time.perf_counter() - start < 2


def test_a_name_server_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(pretrained, 'ANSWER', 0.3)
    never = threading.Event()

    def asks_for_long(url: str, timeout: float) -> None:
        never.wait(20)
        raise OSError('name resolution')

    monkeypatch.setattr(pretrained.urllib.request, 'urlopen', asks_for_long)
    start = time.perf_counter()
    assert 'no answer in 0.3 s' in find_weights('http://example.invalid/net.pth')[1]
    assert time.perf_counter() - start < 2
    never.set()


def test_a_reachable_file_is_fetched_once_and_checked(server, cache):
    address, folder, asked = server
    content = b'weights' * 1000
    good = f'net-{hashlib.sha256(content).hexdigest()[:8]}.pth'
    for name in (good, 'net-00000000.pth', 'net.pth'):
        (folder / name).write_bytes(content)
    assert find_weights(f'{address}/{good}') == (cache / good, None)
    assert (cache / good).read_bytes() == content
    before = len(asked)
    assert find_weights(f'{address}/{good}') == (cache / good, None)
    assert len(asked) == before
    assert find_weights(f'{address}/net.pth') == (cache / 'net.pth', None)
    assert socket.getdefaulttimeout() is None
    file, problem = find_weights(f'{address}/net-00000000.pth')
    assert file is None
    assert 'invalid hash' in problem
    assert 'HTTP Error 404' in find_weights(f'{address}/missing.pth')[1]
    assert sorted(path.name for path in cache.iterdir()) == sorted([good, 'net.pth'])


def test_a_file_in_the_folder_pretrain_is_found_too(monkeypatch):
    monkeypatch.setattr(pretrained, '_answer_problem', lambda url: pytest.fail('asked the network'))
    Path('pretrain').mkdir()
    Path('pretrain/resnet50_v1c-2cccc1ad.pth').touch()
    assert find_weights('open-mmlab://resnet50_v1c')[0] == Path('pretrain/resnet50_v1c-2cccc1ad.pth')


@pytest.mark.parametrize(
    ('name', 'said'),
    [('open-mmlab://resnet50_v1', 'did you mean .*resnet50_v1c'), ('s3://bucket/x.pth', 'give a path')],
)
def test_a_name_that_cannot_be_one_is_a_usage_error(name, said):
    with pytest.raises(UsageError, match=said):
        find_weights(name)


def test_the_names_in_the_bases_lead_to_addresses():
    named = {}
    for base in (CONFIGS / '_base_/models').glob('[!_]*.py'):
        for part in pretrained._pretrained_parts(Config.fromfile(base).model):
            named[base.stem] = pretrained._address(part.init_cfg.checkpoint)
    assert all(url.startswith('https://') and url.endswith('.pth') for url in named.values())
    assert len(named) >= 14
    assert 'bisenetv2' not in named  # from scratch, as published
    assert 'fast_scnn' not in named


# What the authors of DeiT and BEiT call the weights of a layer, and what mmseg calls them.
ATTENTION = {
    'VisionTransformer': {
        'attn.qkv.weight': 'attn.attn.in_proj_weight',
        'attn.qkv.bias': 'attn.attn.in_proj_bias',
        'attn.proj.weight': 'attn.attn.out_proj.weight',
        'attn.proj.bias': 'attn.attn.out_proj.bias',
    },
    'ResizableBEiT': {
        'attn.qkv.weight': 'attn.qkv.weight',
        'attn.q_bias': 'attn.q_bias',
        'attn.v_bias': 'attn.v_bias',
        'attn.relative_position_bias_table': 'attn.relative_position_bias_table',
        'attn.proj.weight': 'attn.proj.weight',
        'attn.proj.bias': 'attn.proj.bias',
        'gamma_1': 'gamma_1',
        'gamma_2': 'gamma_2',
    },
}
LAYER = {
    f'{published}.{kind}': f'{own}.{kind}'
    for published, own in {
        'norm1': 'ln1',
        'norm2': 'ln2',
        'mlp.fc1': 'ffn.layers.0.0',
        'mlp.fc2': 'ffn.layers.1',
    }.items()
    for kind in ('weight', 'bias')
}
STEM = {
    'cls_token': 'cls_token',
    'patch_embed.proj.weight': 'patch_embed.projection.weight',
    'patch_embed.proj.bias': 'patch_embed.projection.bias',
}


def transformer(kind: str, size: int, init_cfg: dict | None = None) -> torch.nn.Module:
    init_default_scope('mmseg')
    shape = dict(img_size=(size, size), patch_size=16, embed_dims=12, num_layers=2, num_heads=2, mlp_ratio=2)
    bias = dict(patch_bias=True) if kind == 'VisionTransformer' else {}
    return MODELS.build(dict(type=kind, out_indices=(0, 1), init_cfg=init_cfg, **shape, **bias))


def published(kind: str, size: int) -> tuple[dict, dict]:
    """A file as the authors would write it, and what mmseg's network is to have of it."""
    torch.manual_seed(3)
    own = {
        name: torch.randn_like(value) for name, value in dict(transformer(kind, size).named_parameters()).items()
    }
    names = {**STEM, **({'pos_embed': 'pos_embed'} if kind == 'VisionTransformer' else {})}
    for layer in range(2):
        names |= {f'blocks.{layer}.{a}': f'layers.{layer}.{b}' for a, b in {**LAYER, **ATTENTION[kind]}.items()}
    file = {theirs: own[ours] for theirs, ours in names.items()}
    rest = {name: torch.zeros(5) for name in ('norm.weight', 'norm.bias', 'head.weight', 'head.bias')}
    return dict(model={**file, **rest}), {ours: own[ours] for ours in names.values()}


@pytest.mark.parametrize('kind', ['VisionTransformer', 'ResizableBEiT'])
def test_transformers_as_their_authors_publish_them(kind, tmp_path, capfd):
    content, expected = published(kind, 64)
    torch.save(content, tmp_path / 'net.pth')
    model = transformer(kind, 64, dict(type='Pretrained', checkpoint=f'{SCHEME}{tmp_path}/net.pth'))
    model.init_weights()
    state = model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in expected.items())
    assert set(dict(model.named_parameters())) == set(expected)
    assert 'do not match' not in capfd.readouterr().out


@pytest.mark.parametrize('kind', ['VisionTransformer', 'ResizableBEiT'])
def test_transformers_are_resized_to_the_crop(kind, tmp_path):
    content, expected = published(kind, 64)
    torch.save(content, tmp_path / 'net.pth')
    model = transformer(kind, 96, dict(type='Pretrained', checkpoint=f'{SCHEME}{tmp_path}/net.pth'))
    model.init_weights()
    state = model.state_dict()
    resized = [name for name in expected if state[name].shape != expected[name].shape]
    assert len(resized) == (1 if kind == 'VisionTransformer' else 2)
    assert all(torch.equal(state[name], expected[name]) for name in expected if name not in resized)
    assert all(state[name].std() > 0.2 for name in resized)  # of the file, not of the start at 0.02
    for name in resized if kind == 'ResizableBEiT' else ():  # the class token's three biases stay as they are
        assert torch.equal(state[name][-3:], expected[name][-3:])
    assert model(torch.rand(1, 3, 96, 96))[0].shape == (1, 12, 6, 6)


def test_frames_and_prefixes_of_files():
    weight = torch.ones(2)
    for content in (
        {'conv.weight': weight},
        {'state_dict': {'module.conv.weight': weight, 'fc.weight': weight}},
        {'model': {'backbone.conv.weight': weight, 'decode_head.conv.weight': weight, 'epoch': 3}},
    ):
        assert list(backbone_weights(content)) == ['conv.weight']


def test_a_leaf_records_its_pretrained_weights_in_the_merged_config():
    (leaf,) = (CONFIGS / 'gcnet').glob('*.py')
    cfg = load_config(leaf)
    assert json.loads(json.dumps(cfg.model.backbone.init_cfg)) == dict(
        type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'
    )
