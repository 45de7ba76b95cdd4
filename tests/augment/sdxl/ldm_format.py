"""Write the tiny model as one file with the names of the original code, as such files are shared."""

import re
from pathlib import Path

import torch
from safetensors.torch import save_file

RESNET = {
    'norm1': 'in_layers.0',
    'conv1': 'in_layers.2',
    'time_emb_proj': 'emb_layers.1',
    'norm2': 'out_layers.0',
    'conv2': 'out_layers.3',
    'conv_shortcut': 'skip_connection',
}
TOP = {
    'time_embedding.linear_1': 'time_embed.0',
    'time_embedding.linear_2': 'time_embed.2',
    'add_embedding.linear_1': 'label_emb.0.0',
    'add_embedding.linear_2': 'label_emb.0.2',
    'conv_in': 'input_blocks.0.0',
    'conv_norm_out': 'out.0',
    'conv_out': 'out.2',
}
OPEN_CLIP = [
    ('encoder.layers.', 'transformer.resblocks.'),
    ('layer_norm', 'ln_'),
    ('mlp.fc1', 'mlp.c_fc'),
    ('mlp.fc2', 'mlp.c_proj'),
    ('self_attn.out_proj', 'attn.out_proj'),
    ('embeddings.token_embedding', 'token_embedding'),
    ('embeddings.position_embedding.weight', 'positional_embedding'),
    ('final_ln_', 'ln_final'),
]


def save_single_file(pipe, path: Path, **marks: torch.Tensor) -> None:
    """All weights of ``pipe`` (one layer for each block) in ``path``; ``marks`` are further tensors."""
    tensors = {f'model.diffusion_model.{_unet(key)}': value for key, value in pipe.unet.state_dict().items()}
    tensors |= {f'first_stage_model.{_vae(key)}': value for key, value in pipe.vae.state_dict().items()}
    for key, value in pipe.text_encoder.state_dict().items():
        tensors[f'conditioner.embedders.0.transformer.text_model.{key.removeprefix("text_model.")}'] = value
    tensors |= {f'conditioner.embedders.1.model.{k}': v for k, v in _open_clip(pipe.text_encoder_2).items()}
    save_file({key: value.contiguous().clone() for key, value in (tensors | marks).items()}, path)


def _unet(key: str) -> str:
    stem, _, kind = key.rpartition('.')
    if stem in TOP:
        return f'{TOP[stem]}.{kind}'
    if key.startswith('mid_block.attentions.0.'):
        return key.replace('mid_block.attentions.0', 'middle_block.1')
    if match := re.match(r'mid_block\.resnets\.(\d)\.(.*)', stem):
        return f'middle_block.{2 * int(match[1])}.{RESNET[match[2]]}.{kind}'
    side, block, part, layer, rest = re.match(r'(down|up)_blocks\.(\d)\.(\w+)\.(\d)\.(.*)', key).groups()
    block, layer, sampler = int(block), int(layer), part.endswith('samplers')
    if side == 'down':
        number = 2 * block + layer + (2 if sampler else 1)
        rest = rest.replace('conv.', '0.op.') if sampler else _layer(part, rest)
        return f'input_blocks.{number}.{rest}'
    number = 2 * block + (1 if sampler else layer)
    return f'output_blocks.{number}.{f"2.{rest}" if sampler else _layer(part, rest)}'


def _layer(part: str, rest: str) -> str:
    if part == 'attentions':
        return f'1.{rest}'
    stem, _, kind = rest.rpartition('.')
    return f'0.{RESNET[stem]}.{kind}'


def _vae(key: str) -> str:
    key = re.sub(r'mid_block\.resnets\.(\d)', lambda match: f'mid.block_{int(match[1]) + 1}', key)
    key = re.sub(r'down_blocks\.(\d)\.resnets\.(\d)', r'down.\1.block.\2', key)
    key = re.sub(r'down_blocks\.(\d)\.downsamplers\.0', r'down.\1.downsample', key)
    key = re.sub(r'up_blocks\.(\d)\.resnets\.(\d)', lambda m: f'up.{3 - int(m[1])}.block.{m[2]}', key)
    key = re.sub(r'up_blocks\.(\d)\.upsamplers\.0', lambda m: f'up.{3 - int(m[1])}.upsample', key)
    for name, original in [
        ('group_norm', 'norm'),
        ('to_q', 'q'),
        ('to_k', 'k'),
        ('to_v', 'v'),
        ('to_out.0', 'proj_out'),
    ]:
        key = key.replace(f'mid_block.attentions.0.{name}', f'mid.attn_1.{original}')
    return key.replace('conv_norm_out', 'norm_out').replace('conv_shortcut', 'nin_shortcut')


def _open_clip(encoder) -> dict[str, torch.Tensor]:
    state = {key.removeprefix('text_model.'): value for key, value in encoder.state_dict().items()}
    renamed = {'text_projection': state.pop('text_projection.weight').T}
    for key in [key for key in state if '.q_proj.' in key]:
        layer, kind = key.split('.')[2], key.split('.')[-1]
        three = [state.pop(key.replace('q_proj', f'{name}_proj')) for name in 'qkv']
        renamed[f'transformer.resblocks.{layer}.attn.in_proj_{kind}'] = torch.cat(three)
    for key, value in state.items():
        for name, original in OPEN_CLIP:
            key = key.replace(name, original)
        renamed[key] = value
    return renamed
