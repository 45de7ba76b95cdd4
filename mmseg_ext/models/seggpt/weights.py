"""Weights of SegGPT from the files in which people keep them: its authors', transformers', fine-tunings, ours."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from mmseg_ext.errors import UsageError
from mmseg_ext.models.weight_difference import weight_difference

SAFETENSORS = 'model.safetensors'  # the name of the file in a folder of transformers, and on the Hub
FRAMES = (
    'state_dict',
    'model_state_dict',
    'model',
)  # what weights are kept under: ours, fine-tunings', theirs
ANCHOR = 'mask_token'  # a weight that every SegGPT has, under its authors' name and under transformers'
OURS = 'model.embeddings.'  # what stands before it in transformers
# The authors' names and transformers'.
EMBEDDINGS = {
    'mask_token': 'mask_token',
    'segment_token_x': 'segment_token_input',
    'segment_token_y': 'segment_token_prompt',
    'type_token_cls': 'type_token_semantic',
    'type_token_ins': 'type_token_instance',
    'pos_embed': 'position_embeddings',
    'patch_embed.proj': 'patch_embeddings.projection',
}
LAYER = {
    'norm1': 'layernorm_before',
    'norm2': 'layernorm_after',
    'attn': 'attention',
    'mlp.fc1': 'mlp.lin1',
    'mlp.fc2': 'mlp.lin2',
}
REST = {
    'norm': 'model.encoder.layernorm',
    'decoder_embed': 'decoder.decoder_embed',
    'decoder_pred.0': 'decoder.decoder_pred.conv',
    'decoder_pred.1': 'decoder.decoder_pred.layernorm',
    'decoder_pred.3': 'decoder.decoder_pred.head',
}
STARTS = {**{old: OURS + new for old, new in EMBEDDINGS.items()}, **REST}


def load_pretrained(network: nn.Module, source: str | Path) -> None:
    """Load the file or folder ``source`` into transformers' SegGptForImageSegmentation; all weights must fit.

    UsageError for what is no file of weights, and for weights of another architecture.
    """
    weights = network_weights(read_weights(source))
    expected = network.state_dict()
    problem = weight_difference(weights, expected) if weights else 'it holds no SegGPT'
    if problem:
        raise UsageError(f'{source}: weights of another network than the config describes: {problem}')
    network.load_state_dict({name: weights[name] for name in expected})


def read_weights(source: str | Path) -> dict[str, Any]:
    """The content of a file of weights, or of the one in a folder of transformers; UsageError if there is none."""
    path = Path(source).expanduser()
    file = path / SAFETENSORS if path.is_dir() else path
    if not file.is_file():
        cure = f'no {SAFETENSORS} in this folder' if path.is_dir() else 'no such file'
        raise UsageError(f'{path}: {cure}; tools/train.py finds names such as BAAI/seggpt-vit-large')
    return CheckpointLoader.load_checkpoint(str(file), 'cpu')


def network_weights(content: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a checkpoint under transformers' names; empty if it holds no SegGPT.

    Understands the authors' file (under ``model``), fine-tunings of it (``model_state_dict``, perhaps ``module.``
    or ``seggpt.`` before each name), transformers' and this project's own (``network.seggpt.``). What stands
    around the network, such as a learnt prompt, is left out.
    """
    for frame in FRAMES:
        if isinstance(content.get(frame), Mapping):
            content = content[frame]
            break
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    anchors = [name for name in tensors if name.rpartition('.')[2] == ANCHOR]
    if not anchors:
        return {}
    before = anchors[0].removesuffix(ANCHOR)
    theirs = before.endswith(OURS)
    before = before.removesuffix(OURS)
    inside = {name.removeprefix(before): value for name, value in tensors.items()}
    renamed = inside if theirs else {published_name(name): value for name, value in inside.items()}
    return {name: value for name, value in renamed.items() if name.startswith(('model.', 'decoder.'))}


def published_name(name: str) -> str:
    """transformers' name of a weight that its authors call ``name``; other names stay as they are."""
    part, _, kind = name.rpartition('.')
    for whole, end in ((name, ''), (part, f'.{kind}')):
        if whole in STARTS:
            return STARTS[whole] + end
    block = re.fullmatch(r'blocks\.(\d+)\.(.+)', name)
    if not block:
        return name
    inner = block[2]
    for old, new in LAYER.items():
        if inner.startswith(f'{old}.'):
            inner = new + inner.removeprefix(old)
    return f'model.encoder.layers.{block[1]}.{inner}'
