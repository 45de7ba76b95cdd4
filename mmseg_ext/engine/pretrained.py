"""Weights that backbones start from: found, fetched, or done without after one line that says so."""

import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import get_external_models
from torch import nn

from mmseg_ext.engine.checkpoint import read_checkpoint
from mmseg_ext.errors import UsageError, near
from mmseg_ext.models.segmentors.smp_package import encoder_weights

ANSWER = 5.0  # seconds that a server has to answer before a run starts without it
STALL = 30.0  # seconds without a byte after which a download is given up
SCHEME = 'pretrained://'
SMP = 'smp://'  # before the name of an encoder of segmentation_models_pytorch, a slash and the name of weights
HUB = 'hub://'  # before a name of the Hugging Face Hub, of an owner and a model of transformers
HUB_FILE = 'model.safetensors'
FILES = ('.safetensors', '.pth', '.pt')
FOLDER = 'pretrain'  # where mmsegmentation's recipes expect files that cannot be fetched
CLASSIFIER = ('fc.', 'fc_norm.', 'head.', 'head_dist.', 'classifier.', 'norm.')
# Names that transformers have in their authors' files, and in mmseg.
TRANSFORMER = {
    'blocks.': 'layers.',
    'patch_embed.proj.': 'patch_embed.projection.',
    '.norm': '.ln',
    '.mlp.fc1.': '.ffn.layers.0.0.',
    '.mlp.fc2.': '.ffn.layers.1.',
}
PLAIN_ATTENTION = {'.attn.qkv.': '.attn.attn.in_proj_', '.attn.proj.': '.attn.attn.out_proj.'}


def settle_pretrained(cfg: Config) -> tuple[str | None, list[str]]:
    """Point the pretrained parts of ``cfg.model`` at local files, in place; those without a file start at random.

    ``cfg`` is the working copy of a Runner. Returns the weights used, for the record, and one line for each that
    is missing. When all weights come from a checkpoint (test, resume, ``load_from``), and in all processes but the
    main one, which sends its weights to the others, nothing is looked for.
    """
    whole = cfg.get('load_from')
    starts = 'train_dataloader' in cfg and not whole and is_main_process()
    used, missing = [whole] * bool(whole), []

    def find(name: str) -> Path | None:
        file, problem = find_weights(name) if starts else (None, None)
        used.extend([name] * bool(file))
        missing.extend([f'without the pretrained weights {name}: {problem}'] * bool(problem))
        return file

    for part in list(_pretrained_parts(cfg.model)):
        file = find(part.init_cfg.checkpoint)
        part.init_cfg = dict(part.init_cfg, checkpoint=f'{SCHEME}{file}') if file else None
    if cfg.model.get('encoder_weights'):
        file = find(_encoder_name(cfg.model))
        cfg.model.encoder_weights = str(file) if file else None
    network = cfg.model.get('network') or {}
    if network.get('pretrained'):
        file = find(_network_name(str(network.pretrained)))
        network.pretrained = str(file) if file else None
    return ', '.join(used) or None, missing


def _pretrained_parts(node: Any) -> Iterator[ConfigDict]:
    """All parts of a model config whose ``init_cfg`` names pretrained weights."""
    if isinstance(node, dict):
        if isinstance(node.get('init_cfg'), dict) and node['init_cfg'].get('type') == 'Pretrained':
            yield node
        node = list(node.values())
    for child in node if isinstance(node, list | tuple) else ():
        yield from _pretrained_parts(child)


def _encoder_name(model: ConfigDict) -> str:
    """What ``find_weights`` looks for on behalf of an SMPSegmentor: a path, or ``smp://<encoder>/<weights>``."""
    weights = str(model.encoder_weights)
    is_file = '/' in weights or Path(weights).suffix in FILES
    return weights if is_file else f'{SMP}{model.encoder_name}/{weights}'


def _network_name(weights: str) -> str:
    """What ``find_weights`` looks for on behalf of a SegGPT: a path, an address, or ``hub://<owner>/<model>``."""
    path = Path(weights).expanduser()
    if path.is_dir():
        return str(path / HUB_FILE)
    on_hub = re.fullmatch(r'[\w-][\w.-]*/[\w.-]+', weights) and path.suffix not in FILES
    return f'{HUB}{weights}' if on_hub else weights


def published_file(model: ConfigDict) -> Path:
    """The file of the weights with which a model predicts untrained; UsageError for one that needs a training."""
    weights = (model.get('network') or {}).get('pretrained')
    if not weights:
        raise UsageError(f'{model.type}: there are no weights to test; name a checkpoint, or the folder of a run')
    file, problem = find_weights(_network_name(str(weights)))
    if file is None:
        raise UsageError(f'the pretrained weights {weights}: {problem}')
    return file


def find_weights(name: str) -> tuple[Path | None, str | None]:
    """The file behind a path, an address or a name of a scheme, or what is missing and the cure.

    Files of addresses are looked for in torch's cache and in ``pretrain/``, then fetched into the cache.
    """
    if '://' not in name:
        file = Path(name).expanduser()
        return (file, None) if file.is_file() else (None, f'no such file; put it there ({file.absolute()})')
    if name.startswith(SMP):
        url, short, *copies = encoder_weights(*name.removeprefix(SMP).split('/', 1))
    elif name.startswith(HUB):
        url, short, *copies = _hub_weights(name.removeprefix(HUB))
    else:
        url, copies = _address(name), []
        short = url.rpartition('/')[2]
    cached = Path(torch.hub.get_dir(), 'checkpoints', short)
    for file in (cached, Path(FOLDER, short), *filter(None, copies)):
        if file.is_file():
            return file, None
    problem = _answer_problem(url) or _fetch_problem(url, cached)
    if not problem:
        return cached, None
    what = 'it' if name == url else url
    return None, f'{what} cannot be fetched ({problem}); put the file at {cached} and start again'


def _hub_weights(model: str) -> tuple[str, str, Path | None]:
    """Address and name here of a model's file on the Hub, and the copy in the Hub's own cache."""
    from huggingface_hub import try_to_load_from_cache  # comes with transformers

    cached = try_to_load_from_cache(model, HUB_FILE)
    address = f'https://huggingface.co/{model}/resolve/main/{HUB_FILE}'
    return address, f'{model.replace("/", ".")}.safetensors', Path(cached) if isinstance(cached, str) else None


def _address(name: str) -> str:
    scheme, _, short = name.partition('://')
    if scheme in ('http', 'https'):
        return name
    if scheme != 'open-mmlab':
        raise UsageError(f'{name}: cannot be fetched; give a path, an http(s) address or open-mmlab://NAME')
    models = get_external_models()
    if short not in models:
        raise UsageError(f'{name}: no such weights; did you mean {near(short, models)}?')
    return models[short]


def _answer_problem(url: str) -> str | None:
    """Why nothing comes from ``url``. The limit holds for name servers too, which have none of their own."""
    problem = [f'no answer in {ANSWER:g} s']

    def ask() -> None:
        try:
            urllib.request.urlopen(url, timeout=ANSWER).close()
            problem[0] = None
        except (OSError, ValueError) as error:
            problem[0] = str(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER)
    return problem[0]


def _fetch_problem(url: str, file: Path) -> str | None:
    """Download ``url`` with a progress bar, whole or not at all, checked against the hash in its name."""
    digest = re.search(r'-([0-9a-f]{8,})\.', file.name)
    before = socket.getdefaulttimeout()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        socket.setdefaulttimeout(STALL)
        torch.hub.download_url_to_file(url, str(file), digest and digest[1])
    except (OSError, RuntimeError) as error:
        return str(error)
    finally:
        socket.setdefaulttimeout(before)
    return None


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_from_pretrained(filename: str, map_location: Any = 'cpu') -> dict[str, torch.Tensor]:
    """mmengine's way to the weights of a file that ``settle_pretrained`` has found."""
    return backbone_weights(read_checkpoint(filename.removeprefix(SCHEME), map_location))


def backbone_weights(content: dict[str, Any]) -> dict[str, torch.Tensor]:
    """The backbone's weights of a checkpoint under the names that mmseg uses.

    The classifier of the pretraining and everything that is no tensor is left out. Understands files with or
    without a frame (``state_dict``, ``model``), of whole models (``backbone.``), and transformers as their authors
    publish them (``blocks.0.norm1``).
    """
    weights = content.get('state_dict', content.get('model', content))
    weights = {name.removeprefix('module.'): value for name, value in weights.items()}
    inside = {name: value for name, value in weights.items() if name.startswith('backbone.')}
    weights = {name.removeprefix('backbone.'): value for name, value in (inside or weights).items()}
    weights = {
        name: value
        for name, value in weights.items()
        if isinstance(value, torch.Tensor) and not name.startswith(CLASSIFIER)
    }
    if not any(name.startswith('blocks.') for name in weights):
        return weights
    plain = not any('relative_position_bias_table' in name for name in weights)
    names = {**TRANSFORMER, **(PLAIN_ATTENTION if plain else {})}
    return {_renamed(name, names): value for name, value in weights.items()}


def _renamed(name: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        name = name.replace(old, new)
    return name


def check_pretrained(model: nn.Module) -> None:
    """UsageError for a file whose weights do not fit; mmengine would skip them and start at random."""
    for module in model.modules():
        source = getattr(module, 'init_cfg', None)
        if isinstance(source, dict) and str(source.get('checkpoint', '')).startswith(SCHEME):
            found, wanted = load_from_pretrained(source['checkpoint']), module.state_dict()
            fitting = [name for name in wanted if name in found and found[name].shape == wanted[name].shape]
            learnt = dict(module.named_parameters())
            if len(learnt.keys() & fitting) * 2 < len(learnt):
                raise UsageError(
                    f'{source["checkpoint"].removeprefix(SCHEME)}: pretrained weights of another network: '
                    f'{len(learnt.keys() & fitting)} of {len(learnt)} weights of {type(module).__name__} fit'
                )
