"""Low-rank weights and another autoencoder, put into a model as it is loaded."""

import pytest
import torch
from ldm_format import save_single_file
from safetensors.torch import save_file

from augment.errors import UsageError
from augment.sdxl.identity import fingerprint
from augment.sdxl.loader import ModelSource, load_pipeline, model_identity
from augment.sdxl.tiny import tiny_sdxl

pytestmark = pytest.mark.usefixtures('unplugged', 'hub')
LAYER = 'up_blocks.0.attentions.0.transformer_blocks.1.attn1.to_q'
ENCODER = 'text_model.encoder.layers.1.self_attn.v_proj'


def low_rank(width, rank=2):
    generator = torch.Generator().manual_seed(width)
    return torch.randn(rank, width, generator=generator), torch.randn(width, rank, generator=generator)


@pytest.fixture
def lora(tmp_path):
    """Rank 2 for one layer of the UNet and one of the second text encoder, as training scripts save it."""
    tensors = {}
    for layer, width in ((f'unet.{LAYER}', 32), (f'text_encoder_2.{ENCODER}', 40)):
        down, up = low_rank(width)
        tensors |= {f'{layer}.lora_A.weight': down, f'{layer}.lora_B.weight': up}
    path = tmp_path / 'lora' / 'pytorch_lora_weights.safetensors'
    path.parent.mkdir()
    save_file(tensors, path)
    return path


@pytest.mark.parametrize('scale', [1.0, 0.25])
def test_low_rank_weights_are_added_to_the_layers_they_name(folder, lora, scale):
    pytest.importorskip('peft')
    source = ModelSource(str(folder), lora=str(lora), lora_scale=scale)
    pipe, plain = load_pipeline(source), tiny_sdxl(3)
    down, up = low_rank(32)
    expected = plain.unet.get_submodule(LAYER).weight + scale * up @ down
    torch.testing.assert_close(pipe.unet.get_submodule(LAYER).weight, expected)
    changed = {
        name for name, w in pipe.unet.state_dict().items() if not torch.equal(w, plain.unet.state_dict()[name])
    }
    assert changed == {f'{LAYER}.weight'}, 'no other weight, and no further layer'
    assert set(pipe.unet.state_dict()) == set(plain.unet.state_dict())
    assert fingerprint(pipe.text_encoder_2) != fingerprint(plain.text_encoder_2)
    assert fingerprint(pipe.text_encoder) == fingerprint(plain.text_encoder)
    assert not any(
        weight.requires_grad for part in (pipe.unet, pipe.text_encoder_2) for weight in part.parameters()
    )
    assert set(pipe.unet.attn_processors) == set(plain.unet.attn_processors)


def test_they_are_added_before_rounding(folder, lora):
    pytest.importorskip('peft')
    rounded = load_pipeline(ModelSource(str(folder), lora=str(lora)), dtype=torch.bfloat16)
    exact = load_pipeline(ModelSource(str(folder), lora=str(lora)))
    weight = rounded.unet.get_submodule(LAYER).weight
    assert torch.equal(weight, exact.unet.get_submodule(LAYER).weight.bfloat16())


def test_a_folder_or_the_cache_of_the_hub_do_as_well(folder, lora, hub):
    pytest.importorskip('peft')
    hub('somebody/lora', lora.parent)
    expected = fingerprint(load_pipeline(ModelSource(str(folder), lora=str(lora))).unet)
    for name in (str(lora.parent), 'somebody/lora'):
        assert fingerprint(load_pipeline(ModelSource(str(folder), lora=name, offline=True)).unet) == expected
    save_file({'a': torch.zeros(1)}, lora.with_name('second.safetensors'))
    with pytest.raises(UsageError, match=r'there are 2 \(pytorch_lora_weights.safetensors, second.safetensors\)'):
        load_pipeline(ModelSource(str(folder), lora=str(lora.parent)))


@pytest.mark.parametrize(
    ('layer', 'width', 'why'),
    [
        ('unet.no.such.layer', 32, 'could not be loaded'),
        (f'unet.{LAYER}', 16, 'could not be loaded'),
        ('transformer.blocks.0.to_q', 32, 'holds no weights for any layer of'),
    ],
    ids=['no layer', 'other size', 'other kind of model'],
)
def test_low_rank_weights_that_change_nothing_are_refused(folder, lora, layer, width, why):
    pytest.importorskip('peft')
    down, up = low_rank(width)
    save_file({f'{layer}.lora_A.weight': down, f'{layer}.lora_B.weight': up}, lora)
    with pytest.raises(UsageError, match=f'LoRA {lora} {why}') as error:
        load_pipeline(ModelSource(str(folder), lora=str(lora)))
    assert '\n' not in str(error.value)


def test_without_peft_the_cure_is_named(folder, lora, monkeypatch):
    monkeypatch.setattr('augment.sdxl.lora.find_spec', lambda _: None)
    with pytest.raises(UsageError, match='pip install peft'):
        load_pipeline(ModelSource(str(folder), lora=str(lora)))


def test_another_vae_from_a_folder_a_pipeline_a_file_or_the_hub(folder, tmp_path, hub):
    other = tiny_sdxl(5)
    other.vae.save_pretrained(tmp_path / 'vae')
    other.save_pretrained(tmp_path / 'whole')
    save_single_file(other, tmp_path / 'one.safetensors')
    hub('somebody/vae', tmp_path / 'vae')
    for name in (tmp_path / 'vae', tmp_path / 'whole', tmp_path / 'one.safetensors', 'somebody/vae'):
        pipe = load_pipeline(ModelSource(str(folder), vae=str(name), offline=True), dtype=torch.bfloat16)
        assert fingerprint(pipe.vae) == fingerprint(other.vae), name
        assert pipe.vae.dtype == torch.float32
        assert not any(weight.requires_grad for weight in pipe.vae.parameters())
    assert fingerprint(load_pipeline(ModelSource('tiny-random', vae=str(tmp_path / 'vae'))).vae) == fingerprint(
        other.vae
    )


@pytest.mark.parametrize('part', ['lora', 'vae'])
def test_missing_parts_are_one_line_with_the_command(folder, part):
    with pytest.raises(
        UsageError, match=r'somebody/x is not on this machine; get it with: hf download somebody/x -'
    ):
        load_pipeline(ModelSource(str(folder), **{part: 'somebody/x'}, offline=True))
    with pytest.raises(UsageError, match=r'no such folder or .safetensors file'):
        load_pipeline(ModelSource(str(folder), **{part: 'gone.safetensors'}))


def test_identity_names_what_can_change_a_pixel(folder, lora, hub):
    pytest.importorskip('peft')
    import json

    from augment.files import sha256

    hub('somebody/tiny-xl', folder)
    plain, added = ModelSource('somebody/tiny-xl', offline=True), ModelSource(str(folder), lora=str(lora))
    identity = model_identity(load_pipeline(plain), plain)
    assert identity['revision'] == '0123456789abcdef0123456789abcdef01234567'
    assert identity['dtype'] == 'float32'
    assert identity['prediction_type'] == 'epsilon'
    assert set(identity['versions']) == {'torch', 'diffusers', 'transformers'}
    identity = model_identity(load_pipeline(added, dtype=torch.bfloat16), added)
    assert identity['dtype'] == 'bfloat16'
    assert identity['lora'] == {'name': str(lora), 'files': {lora.name: sha256(lora)}, 'scale': 1.0}
    weights = 'unet/diffusion_pytorch_model.safetensors'
    assert identity['files'][weights] == sha256(folder / weights)
    assert json.loads(json.dumps(identity)) == identity
    tiny = ModelSource('tiny-random')
    assert (
        model_identity(tiny_sdxl(0), tiny)
        == model_identity(tiny_sdxl(0), tiny)
        != model_identity(tiny_sdxl(1), tiny)
    )
