"""Models from a folder and from the hub's cache, without a network; what is forced; what is refused."""

import json
import shutil

import pytest
import torch
from diffusers import EulerDiscreteScheduler
from transformers import CLIPTokenizer

from augment.errors import UsageError
from augment.sdxl.conditioning import encode
from augment.sdxl.identity import fingerprint
from augment.sdxl.loader import ModelSource, load_pipeline, load_tokenizers, load_unet_config, native_size
from augment.sdxl.tiny import SCHEDULE, tiny_sdxl, tokenizers

PROMPT = 'photo of a crack with peeling'


def parts(pipe):
    return (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2)


def assert_same_model(pipe, expected):
    assert [fingerprint(part) for part in parts(pipe)] == [fingerprint(part) for part in parts(expected)]
    one, other = encode(pipe, [PROMPT]), encode(expected, [PROMPT])
    assert torch.equal(one.seq, other.seq)
    assert torch.equal(one.pooled, other.pooled)


def copy(folder, path):
    return shutil.copytree(folder, path / 'model')


def test_a_saved_model_comes_back_bit_for_bit(folder, unplugged):
    pipe = load_pipeline(ModelSource(str(folder), offline=True))
    assert_same_model(pipe, tiny_sdxl(3))
    assert native_size(pipe) == 128


@pytest.mark.usefixtures('unplugged')
def test_frozen_evaluating_ddim_without_watermark(folder, tmp_path):
    path = copy(folder, tmp_path)
    EulerDiscreteScheduler(**SCHEDULE, timestep_spacing='leading').save_pretrained(path / 'scheduler')
    index = json.loads((path / 'model_index.json').read_text())
    index['scheduler'] = ['diffusers', 'EulerDiscreteScheduler']
    (path / 'model_index.json').write_text(json.dumps(index))
    pipe = load_pipeline(ModelSource(str(path)))
    assert type(pipe.scheduler).__name__ == 'DDIMScheduler'
    assert pipe.scheduler.config.clip_sample is False
    assert pipe.scheduler.config.set_alpha_to_one is False
    assert pipe.scheduler.config.steps_offset == 1
    assert pipe.scheduler.config.beta_start == 0.00085
    assert pipe.watermark is None
    for part in parts(pipe):
        assert not part.training
        assert not any(weight.requires_grad for weight in part.parameters())


@pytest.mark.usefixtures('unplugged')
def test_half_precision_is_for_the_unet_alone(folder):
    pipe = load_pipeline(ModelSource(str(folder)), dtype=torch.bfloat16)
    assert [part.dtype for part in parts(pipe)] == [torch.bfloat16] + [torch.float32] * 3
    assert load_pipeline(ModelSource('tiny-random'), dtype=torch.bfloat16).unet.dtype == torch.bfloat16


def test_tiny_random_needs_nothing(unplugged):
    assert_same_model(load_pipeline(ModelSource('tiny-random')), tiny_sdxl(0))
    assert load_unet_config(ModelSource('tiny-random'))['sample_size'] == 16
    assert load_tokenizers(ModelSource('tiny-random'))[1].pad_token == '!'


@pytest.mark.usefixtures('unplugged')
def test_a_model_of_the_hub_is_found_in_its_cache(hub, folder):
    hub('somebody/tiny-xl', folder)
    source = ModelSource('somebody/tiny-xl', offline=True)
    assert_same_model(load_pipeline(source), tiny_sdxl(3))
    assert load_unet_config(source)['addition_embed_type'] == 'text_time'


@pytest.mark.usefixtures('unplugged')
def test_tokenizers_and_configuration_need_no_weights(hub, folder):
    """Vocabularies as the published models have them: vocab.json, merges.txt, and maps of special tokens."""
    path = hub('somebody/tiny-xl', folder, ignore=shutil.ignore_patterns('*.safetensors', 'tokenizer.json'))
    for name, tokenizer in zip(('tokenizer', 'tokenizer_2'), tokenizers(), strict=True):
        saved = json.loads(tokenizer.backend_tokenizer.to_str())['model']
        merges = [merge if isinstance(merge, str) else ' '.join(merge) for merge in saved['merges']]
        (path / name / 'vocab.json').write_text(json.dumps(saved['vocab']))
        (path / name / 'merges.txt').write_text('\n'.join(['#version: 0.2', *merges]))
    source = ModelSource('somebody/tiny-xl', offline=True)
    for tokenizer, expected in zip(load_tokenizers(source), tokenizers(), strict=True):
        assert isinstance(tokenizer, CLIPTokenizer)
        assert (
            tokenizer(PROMPT, padding='max_length')['input_ids']
            == expected(PROMPT, padding='max_length')['input_ids']
        )
    assert load_unet_config(source)['sample_size'] == 16


@pytest.mark.usefixtures('unplugged')
def test_an_empty_vocabulary_in_a_folder_is_refused(folder, tmp_path):
    path = copy(folder, tmp_path)
    for name in ('tokenizer', 'tokenizer_2'):
        (path / name / 'tokenizer.json').unlink()
    with pytest.raises(UsageError):
        load_tokenizers(ModelSource(str(path)))


@pytest.mark.usefixtures('unplugged', 'hub')
@pytest.mark.parametrize('load', [load_pipeline, load_tokenizers, load_unet_config])
def test_a_missing_model_is_one_line_with_the_command_that_gets_it(load):
    with pytest.raises(UsageError) as error:
        load(ModelSource(offline=True))
    assert str(error.value) == (
        'model stabilityai/stable-diffusion-xl-base-1.0 is not on this machine; get it with: '
        'hf download stabilityai/stable-diffusion-xl-base-1.0 --include "*.json" --include "*.txt" '
        '--include "*/*.safetensors" --exclude "*/*.*.safetensors"; '
        'or try the small model of rendered defects that comes with the code: --model pocket'
    )


@pytest.mark.usefixtures('hub')
def test_without_a_network_the_same_line_says_so(monkeypatch):
    import httpx2

    def refuse(*args, **kwargs):
        raise httpx2.ConnectError('no network here')

    monkeypatch.setattr(httpx2.Client, 'send', refuse)
    with pytest.raises(
        UsageError, match='not on this machine, and the hub cannot be reached; get it with: hf dow'
    ):
        load_tokenizers(ModelSource())


@pytest.mark.usefixtures('unplugged')
def test_weights_missing_from_the_cache_name_the_command_too(hub, folder):
    hub('somebody/tiny-xl', folder, ignore=shutil.ignore_patterns('*.safetensors'))
    with pytest.raises(
        UsageError, match=r'no .safetensors file in .*unet.*; get it with: hf download somebody/tiny-xl '
    ):
        load_pipeline(ModelSource('somebody/tiny-xl', offline=True))


@pytest.mark.usefixtures('unplugged')
def test_variants(tmp_path):
    path = tmp_path / 'both'
    tiny_sdxl(1).save_pretrained(path)
    tiny_sdxl(2).save_pretrained(path, variant='fp16')
    assert_same_model(load_pipeline(ModelSource(str(path))), tiny_sdxl(1))
    assert_same_model(load_pipeline(ModelSource(str(path), variant='fp16')), tiny_sdxl(2))
    with pytest.raises(UsageError, match='no weights of variant bf16: use --variant fp16 or no --variant'):
        load_pipeline(ModelSource(str(path), variant='bf16'))
    (path / 'unet' / 'diffusion_pytorch_model.safetensors').unlink()
    with pytest.raises(UsageError, match='no weights of variant None: use --variant fp16'):
        load_pipeline(ModelSource(str(path)))


@pytest.mark.parametrize(
    ('name', 'why'),
    [
        ('no-such-folder', 'no such folder or .safetensors file, and no hub id'),
        ('./none/here', 'no such folder'),
        ('gone.safetensors', 'no such folder or .safetensors file'),
        ('old.ckpt', 'pickled weights can run code'),
    ],
)
def test_names_that_are_no_model_are_refused(name, why):
    for load in (load_pipeline, load_tokenizers, load_unet_config):
        with pytest.raises(UsageError, match=why):
            load(ModelSource(name))


@pytest.mark.usefixtures('unplugged')
def test_other_models_are_refused_before_their_weights_are_read(folder, tmp_path):
    path = copy(folder, tmp_path)
    config = json.loads((path / 'unet' / 'config.json').read_text())
    (path / 'unet' / 'config.json').write_text(json.dumps({**config, 'in_channels': 9}))
    with pytest.raises(UsageError, match=r'is no stable diffusion XL base model'):
        load_pipeline(ModelSource(str(path)))
    with pytest.raises(UsageError, match=r'configuration of .* could not be loaded .*model_index.json'):
        load_pipeline(ModelSource(str(tmp_path)))


@pytest.mark.usefixtures('unplugged')
def test_damaged_weights_are_one_line(folder, tmp_path):
    path = copy(folder, tmp_path)
    (path / 'unet' / 'diffusion_pytorch_model.safetensors').write_bytes(b'half of a download')
    with pytest.raises(UsageError, match=r'model .* could not be loaded') as error:
        load_pipeline(ModelSource(str(path)))
    assert '\n' not in str(error.value)
