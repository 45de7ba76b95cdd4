"""One .safetensors file with the original names, with and without its configuration beside it."""

import shutil

import pytest
import torch
from ldm_format import save_single_file

from augment.errors import UsageError
from augment.sdxl.conditioning import encode
from augment.sdxl.denoiser import Denoiser
from augment.sdxl.identity import fingerprint
from augment.sdxl.latents import decode_latents
from augment.sdxl.loader import ModelSource, load_pipeline, load_tokenizers
from augment.sdxl.schedule import DDIMGrid
from augment.sdxl.source import BASE
from augment.sdxl.tiny import tiny_sdxl

pytestmark = pytest.mark.usefixtures('unplugged', 'hub')


@pytest.fixture
def file(folder, tmp_path):
    """Weights of seed 4 in one file; beside it the configuration alone, as in the hub's own folders."""
    path = tmp_path / 'model'
    shutil.copytree(folder, path, ignore=shutil.ignore_patterns('*.safetensors'))
    save_single_file(tiny_sdxl(4), path / 'tiny_xl.safetensors')
    return path / 'tiny_xl.safetensors'


def assert_seed_4(pipe):
    expected = tiny_sdxl(4)
    for part in ('unet', 'vae', 'text_encoder', 'text_encoder_2'):
        assert fingerprint(getattr(pipe, part)) == fingerprint(getattr(expected, part)), part
    one, other = encode(pipe, ['photo of a crack']), encode(expected, ['photo of a crack'])
    assert torch.equal(one.seq, other.seq)
    assert torch.equal(one.pooled, other.pooled)
    z = torch.ones(1, 4, 4, 4)
    assert (decode_latents(pipe, z) == decode_latents(expected, z)).all()


def test_configuration_beside_the_file(file):
    pipe = load_pipeline(ModelSource(str(file), offline=True), dtype=torch.bfloat16)
    assert [part.dtype for part in (pipe.unet, pipe.vae, pipe.text_encoder)] == [torch.bfloat16] + [
        torch.float32
    ] * 2
    pipe = load_pipeline(ModelSource(str(file), offline=True))
    assert_seed_4(pipe)
    assert pipe.watermark is None
    for part in (pipe.unet, pipe.vae, pipe.text_encoder, pipe.text_encoder_2):
        assert not part.training
        assert not any(weight.requires_grad for weight in part.parameters())


def test_configuration_of_the_base_model_from_the_cache(file, hub, tmp_path, folder):
    hub(BASE, folder, ignore=shutil.ignore_patterns('*.safetensors'))
    alone = tmp_path / 'alone.safetensors'
    shutil.move(file, alone)
    assert_seed_4(load_pipeline(ModelSource(str(alone), offline=True)))


def test_without_a_configuration_nothing_is_asked_of_the_network(file, tmp_path):
    alone = tmp_path / 'alone.safetensors'
    shutil.move(file, alone)
    for load in (load_pipeline, load_tokenizers):
        with pytest.raises(
            UsageError, match=f'configuration {BASE} is not on this machine; get it with: hf dow'
        ) as e:
            load(ModelSource(str(alone), offline=True))
        assert 'safetensors' not in str(e.value), 'some kilobytes are missing, not the weights'


def test_marks_of_velocity_and_of_zero_signal(file):
    pipe = tiny_sdxl(4)
    save_single_file(pipe, file, v_pred=torch.zeros(1))
    velocity = load_pipeline(ModelSource(str(file)))
    assert velocity.scheduler.config.prediction_type == 'v_prediction'
    grid, cond, z = DDIMGrid.from_pipeline(velocity, 4), encode(pipe, ['']), torch.ones(1, 4, 16, 16)
    assert grid.prediction_type == 'v_prediction'
    plain = Denoiser(pipe, DDIMGrid.from_pipeline(pipe, 4), (128, 128))(z, 0, cond)
    a = grid.alpha_bar(0)
    expected = a**0.5 * plain + (1 - a) ** 0.5 * z
    torch.testing.assert_close(Denoiser(velocity, grid, (128, 128))(z, 0, cond), expected)
    save_single_file(pipe, file, v_pred=torch.zeros(1), ztsnr=torch.zeros(1))
    with pytest.raises(UsageError, match='zero_snr'):
        load_pipeline(ModelSource(str(file)))


def test_a_file_of_another_model_is_one_line(file):
    from safetensors.torch import save_file

    save_file({'weight': torch.zeros(3)}, file)
    with pytest.raises(UsageError, match='could not be loaded') as error:
        load_pipeline(ModelSource(str(file)))
    assert '\n' not in str(error.value)
