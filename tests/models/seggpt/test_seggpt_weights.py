"""Weights of SegGPT load from every kind of file that people have, and from no other."""

import argparse
import json
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from safetensors.torch import save_file
from seggpt_reference import Sizes, published_shapes, published_weights
from torch import Tensor, nn

from mmseg_ext.engine import checkpoint, pretrained
from mmseg_ext.engine.pretrained import find_weights, settle_pretrained
from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.network import SegGPTNetwork
from mmseg_ext.models.seggpt.weights import network_weights

transformers = pytest.importorskip('transformers', reason='SegGPT needs the extra seggpt')
SIZES = Sizes()
FILES = {
    'of its authors': lambda weights: dict(model=weights),
    'of its authors, with the options of the training': lambda weights: dict(
        model=weights, args=argparse.Namespace(lr=1e-4, output_dir='out'), epoch=3
    ),
    'of its authors, beside a part that is no SegGPT': lambda weights: dict(
        model={**weights, 'cls': torch.ones(1)}
    ),
    'of a fine-tuning': lambda weights: dict(model_state_dict=weights, optimizer_state_dict=dict(state={})),
    'of a fine-tuning in several processes': lambda weights: dict(model_state_dict=under('module.', weights)),
    'of an in-context tuning': lambda weights: dict(
        model_state_dict=dict(under('seggpt.', weights), image_tensor=torch.ones(1), prompt_tensor=torch.ones(1))
    ),
    'of transformers': lambda weights: network_weights(weights),
    'of this project': lambda weights: dict(
        meta=dict(iter=5),
        state_dict=dict(under('network.seggpt.', network_weights(weights)), **{'learnable.image': torch.ones(2)}),
    ),
    'without a frame': lambda weights: OrderedDict(weights),
}


def under(before: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {before + name: value for name, value in weights.items()}


def start_from(source: str | Path, sizes: Sizes = SIZES) -> SegGPTNetwork:
    network = SegGPTNetwork(sizes.config, pretrained=str(source))
    network.init_weights()
    return network


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def equal(network: SegGPTNetwork, weights: dict[str, Tensor]) -> bool:
    state, expected = network.seggpt.state_dict(), network_weights(weights)
    return state.keys() == expected.keys() and all(torch.equal(state[name], expected[name]) for name in state)


@pytest.mark.parametrize('kind', FILES)
def test_a_file_starts_the_network(kind, tmp_path):
    weights = published_weights(SIZES, seed=4)
    assert equal(start_from(saved(FILES[kind](weights), tmp_path / 'seggpt.pth')), weights)


def test_every_name_of_the_whole_network_has_its_place():
    large = Sizes(448, 16, 1024, 16, 24, levels=(5, 11, 17, 23), merge=2, positions=14, painted=64)
    with torch.device('meta'):
        expected = SegGPTNetwork().seggpt.state_dict()
        found = network_weights({name: torch.empty(shape) for name, shape in published_shapes(large).items()})
    assert {name: weight.shape for name, weight in found.items()} == {
        name: weight.shape for name, weight in expected.items()
    }


def test_a_folder_of_transformers_starts_the_network(tmp_path):
    network = SegGPTNetwork(SIZES.config)
    network.seggpt.load_state_dict(network_weights(published_weights(SIZES)))
    network.seggpt.save_pretrained(tmp_path / 'folder')
    for source in (tmp_path / 'folder', tmp_path / 'folder/model.safetensors'):
        assert equal(start_from(source), published_weights(SIZES))


def test_without_pretrained_weights_the_network_stays_as_it_was_built():
    network = SegGPTNetwork(SIZES.config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.init_weights()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


POINTER = (
    'version https://git-lfs.github.com/spec/v1\n'
    'oid sha256:59c74d1993ca50ac0ae968d9bbe5db453f50aa5d5c7c9564cce6011c18b16570\nsize 1482967797\n'
)


@pytest.mark.parametrize('name', ['seggpt_vit_large.pth', 'model.safetensors'])
def test_the_pointer_of_a_large_file_is_not_the_file(name, tmp_path):
    path = tmp_path / name
    path.write_text(POINTER, encoding='utf-8')
    assert path.stat().st_size in (134, 135)
    with pytest.raises(UsageError, match=r'a pointer of Git LFS \(13\d bytes\).* /resolve/ .* instead of /raw/'):
        start_from(path)
    with pytest.raises(UsageError, match=r'a pointer of Git LFS'):
        checkpoint.read_checkpoint(path)


@pytest.mark.parametrize(
    ('other', 'said'),
    [
        (Sizes(width=24), r'mask_token is \(1, 1, 1, 24\) there and \(1, 1, 1, 12\) here'),
        (Sizes(size=32), r'rel_pos_h is \(15, 4\) there and \(11, 4\) here'),
        (Sizes(depth=7), r'it has 28 weights more, the first being model\.encoder\.layers\.5\.'),
        (
            Sizes(depth=4, levels=(0, 1, 3)),
            r'14 of 88 weights are missing, the first being model\.encoder\.la',
        ),
    ],
    ids=['wider', 'larger', 'deeper', 'shallower'],
)
def test_weights_of_another_architecture_are_refused(other, said, tmp_path):
    path = saved(dict(model=published_weights(other)), tmp_path / 'other.pth')
    network = SegGPTNetwork(SIZES.config, pretrained=str(path))
    with pytest.raises(UsageError, match=rf'other\.pth: weights of another network .*: .*{said}') as caught:
        network.init_weights()
    assert '\n' not in str(caught.value)


def test_files_that_hold_no_seggpt_are_refused(tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'noise.safetensors').write_bytes(b'noise' * 9)
    (tmp_path / 'noise.pth').write_bytes(b'noise' * 9)
    save_file({'conv.weight': torch.ones(2)}, tmp_path / 'other.safetensors')
    cases = {
        saved(dict(state_dict={'conv.weight': torch.ones(2)}), tmp_path / 'other.pth'): 'it holds no SegGPT',
        tmp_path / 'other.safetensors': 'it holds no SegGPT',
        tmp_path / 'noise.safetensors': 'not a checkpoint, or a damaged one',
        tmp_path / 'noise.pth': 'not a checkpoint, or a damaged one',
        saved(dict(model={}, path=Path('x')), tmp_path / 'evil.pth'): 'could run code',
        tmp_path / 'folder': r'no model\.safetensors in this folder',
        tmp_path / 'nowhere.pth': r'no such file; tools/train\.py finds names such as BAAI/seggpt-vit-large',
    }
    for path, said in cases.items():
        with pytest.raises(UsageError, match=rf'{path.name}: .*{said}'):
            start_from(path)


class Around(nn.Module):
    """A model that has SegGPT's network and something more."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SegGPTNetwork(SIZES.config)
        self.learnable = nn.Linear(1, 1)


@pytest.mark.parametrize('kind', ['of its authors', 'of a fine-tuning', 'of transformers'])
def test_a_published_file_is_a_checkpoint_of_the_model_around_the_network(kind, tmp_path):
    weights, model = published_weights(SIZES, seed=4), Around()
    before = model.learnable.weight.clone()
    checkpoint.load_weights(model, saved(FILES[kind](weights), tmp_path / 'seggpt.pth'))
    assert equal(model.network, weights)
    assert torch.equal(model.learnable.weight, before)
    save_file(network_weights(weights), tmp_path / 'model.safetensors')
    model = Around()
    checkpoint.load_weights(model, tmp_path / 'model.safetensors')
    assert equal(model.network, weights)


def test_a_published_file_of_another_architecture_is_no_checkpoint_of_the_model(tmp_path):
    for sizes, said in (
        (Sizes(width=24), r'\(1, 1, 1, 24\) there'),
        (Sizes(depth=4, levels=(0, 1, 3)), '14 of 90 weights'),
    ):
        path = saved(dict(model=published_weights(sizes)), tmp_path / 'other.pth')
        with pytest.raises(UsageError, match=rf'a checkpoint of another model: .*{said}'):
            checkpoint.load_weights(Around(), path)


def test_a_checkpoint_of_the_model_itself_needs_all_of_its_weights(tmp_path):
    model, state = Around(), Around().state_dict()
    checkpoint.load_weights(model, saved(dict(state_dict=state), tmp_path / 'own.pth'))
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    del state['learnable.weight']
    with pytest.raises(UsageError, match=r'1 of \d+ weights are missing, the first being learnable\.weight'):
        checkpoint.load_weights(Around(), saved(dict(state_dict=state), tmp_path / 'own.pth'))


def settled(name: str, **parts: object) -> tuple[Config, str | None, list[str]]:
    model = dict(type='SegGPTSegmentor', network=dict(config={}, pretrained=name))
    cfg = Config(dict(dict(train_dataloader={}, model=model), **parts))
    used, missing = settle_pretrained(cfg)
    return cfg, used, missing


def test_training_finds_files_and_folders_and_records_them(tmp_path):
    file = saved({}, tmp_path / 'seggpt.pth')
    (tmp_path / 'folder').mkdir()
    inside = tmp_path / 'folder/model.safetensors'
    inside.touch()
    for name, path in ((file, file), (tmp_path / 'folder', inside)):
        cfg, used, missing = settled(str(name))
        assert (cfg.model.network.pretrained, used, missing) == (str(path), str(path), [])


def test_without_the_file_training_starts_all_the_same_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, '_answer_problem', lambda url: 'offline')
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    cfg, used, (line,) = settled('BAAI/seggpt-vit-large')
    assert cfg.model.network.pretrained is None
    assert used is None
    assert line == (
        'without the pretrained weights hub://BAAI/seggpt-vit-large: '
        'https://huggingface.co/BAAI/seggpt-vit-large/resolve/main/model.safetensors cannot be fetched (offline); '
        f'put the file at {tmp_path}/hub/checkpoints/BAAI.seggpt-vit-large.safetensors and start again'
    )
    _, _, (line,) = settled('weights/seggpt.pth')
    assert 'no such file; put it there' in line


def test_a_copy_in_the_cache_of_the_hub_is_used(tmp_path, monkeypatch):
    copy = tmp_path / 'model.safetensors'
    copy.touch()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr('huggingface_hub.try_to_load_from_cache', lambda model, file: str(tmp_path / file))
    assert find_weights('hub://BAAI/seggpt-vit-large') == (copy, None)
    cfg, used, _ = settled('BAAI/seggpt-vit-large')
    assert (cfg.model.network.pretrained, used) == (str(copy), 'hub://BAAI/seggpt-vit-large')


def test_nothing_is_looked_for_when_the_weights_come_from_a_checkpoint(monkeypatch):
    monkeypatch.setattr(pretrained, 'find_weights', lambda name: pytest.fail('looked for weights'))
    cfg, used, missing = settled('BAAI/seggpt-vit-large', load_from='best.pth')
    assert (cfg.model.network.pretrained, used, missing) == (None, 'best.pth', [])
    assert json.loads(json.dumps(cfg.model.network)) == dict(config={}, pretrained=None)
