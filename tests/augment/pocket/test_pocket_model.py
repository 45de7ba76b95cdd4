"""The trained folder is a stable diffusion XL for every loader, small, and edited as the real one."""

import json

import numpy as np
import pytest
import torch

from augment import Editor, EditSettings, ModelSource, load_pipeline
from augment.config.settings import WORDS
from augment.pocket import measure
from augment.pocket.card import first_and_last, sheet
from augment.pocket.folder import PARTS, check_free, folder_bytes, save_folder
from augment.pocket.networks import Painter, count, new_unet, new_vae
from augment.pocket.tokenizers import caption_words, pocket_tokenizers, prompt_ids
from augment.sdxl.conditioning import encode
from augment.sdxl.latents import decode_latents, encode_images
from augment.sdxl.loader import load_tokenizers, native_size
from augment.sdxl.upstream import StableDiffusionXLPipeline

PROMPT = 'photo of a crack with blistering'


@pytest.fixture(scope='module')
def source(tiny_job, trained):
    """The folder, as the editor names models."""
    return ModelSource(str(tiny_job.out), offline=True)


@pytest.fixture(scope='module')
def loaded(source):
    """What the editor's loader makes of it."""
    return load_pipeline(source)


def test_all_weights_in_half_precision_fit_into_14_megabytes():
    weights = count(new_vae(), Painter(pocket_tokenizers(())))
    assert 5e6 < weights < 6.9e6


def test_the_folder_is_small_and_has_safetensors_alone(tiny_job, trained):
    names = {file.name for file in tiny_job.out.rglob('*') if file.is_file()}
    assert {name for name in names if 'model' in name and not name.endswith('.json')} == {
        'model.safetensors',
        'diffusion_pytorch_model.safetensors',
    }
    assert {'README.md', 'samples.png', 'curves.png'} < names
    assert folder_bytes(tiny_job.out) < 14e6
    assert not [*tiny_job.out.parent.glob('.*')], 'something temporary is left'
    assert all(file.stat().st_mode & 0o044 == 0o044 for file in tiny_job.out.rglob('*.safetensors'))


def test_the_loader_gives_back_the_very_weights(trained, loaded):
    for name in PARTS:
        a, b = (getattr(pipe, name).state_dict() for pipe in (trained, loaded))
        assert all(torch.equal(a[key], b[key]) for key in a), name
        assert {tensor.dtype for tensor in b.values() if tensor.is_floating_point()} == {torch.float32}
    assert native_size(loaded) == 64
    assert loaded.vae_scale_factor == 4
    assert loaded.vae.config.scaling_factor == pytest.approx(trained.vae.config.scaling_factor) != 1
    assert loaded.scheduler.config.clip_sample is False


def test_diffusers_itself_loads_and_draws(tiny_job, trained):
    pipe = StableDiffusionXLPipeline.from_pretrained(tiny_job.out, dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    image = pipe(PROMPT, num_inference_steps=2, output_type='np').images[0]
    assert image.shape == (64, 64, 3)
    assert pipe.config.force_zeros_for_empty_prompt is False


def test_words_are_tokens_and_the_tokenizers_differ_in_their_padding(source):
    first, second = load_tokenizers(source)
    for word in (*WORDS, 'crack', 'split', 'photo', 'of', 'a', 'with'):
        assert first.tokenize(word) == second.tokenize(word) == [f'{word}</w>']
    assert first.pad_token_id == first.eos_token_id
    assert second.pad_token != first.pad_token
    assert len(first.tokenize('weld')) == 4


def test_words_of_captions_have_one_order():
    assert caption_words(['Photo of a weld, with rust.', 'photo of a crack']) == caption_words(
        ['photo of a crack', 'photo of a weld']
    )
    assert caption_words([])[:5] == ['photo', 'of', 'a', 'with', 'scratch']


def test_training_reads_prompts_as_the_editor_does(trained, loaded):
    painter = Painter((loaded.tokenizer, loaded.tokenizer_2), 64).eval()
    painter.text_encoder, painter.text_encoder_2 = loaded.text_encoder, loaded.text_encoder_2
    prompts = ['', PROMPT]
    with torch.no_grad():
        seq, pooled = painter.encode(
            *(prompt_ids(each, prompts) for each in (loaded.tokenizer, loaded.tokenizer_2))
        )
    expected = encode(loaded, prompts)
    assert torch.allclose(seq, expected.seq, atol=1e-5)
    assert torch.allclose(pooled, expected.pooled, atol=1e-5)
    assert torch.equal(painter.time_ids, torch.tensor([64.0, 64, 0, 0, 64, 64]))


def test_attention_at_a_half_and_a_quarter_of_the_latents():
    names = [*new_unet().attn_processors]
    blocks = {name.split('.attentions')[0] for name in names}
    assert blocks == {'down_blocks.1', 'down_blocks.2', 'mid_block', 'up_blocks.0', 'up_blocks.1'}
    assert sum('up_blocks' in name and 'attn1' in name for name in names) == 4


def test_the_autoencoder_sees_the_neighbourhood_alone():
    assert not [name for name, _ in new_vae().named_modules() if name.endswith('attentions.0')]


def test_round_trip_and_noise_of_known_answers(loaded, monkeypatch):
    image = np.full((1, 64, 64, 3), 128, np.uint8)
    decoded = decode_latents(loaded, encode_images(loaded, image))
    mean = np.square(decoded.astype(float) - 128).mean()
    assert measure.round_trip(loaded, image) == pytest.approx([10 * np.log10(255**2 / mean)])


def test_an_image_is_drawn_for_each_prompt_from_the_same_noise(loaded):
    a, b, c = measure.draw(loaded, ['photo of a crack', 'photo of a crack', PROMPT], steps=2)
    assert a.shape == (64, 64, 3)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_an_edit_changes_the_region(loaded):
    photograph = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    region = np.zeros((64, 64), bool)
    region[24:40, 24:40] = True
    editor = Editor(loaded, EditSettings(steps=3))
    (result,) = editor.edit(editor.invert([photograph]), ['rust'], regions=[region])[0]
    unedited = decode_latents(loaded, encode_images(loaded, photograph[None]))[0]
    change = np.abs(result.image.astype(int) - unedited).mean(2)
    assert change[region].mean() > 4 * change[:4].mean()


def test_what_the_card_says(tiny_job, trained):
    text = (tiny_job.out / 'README.md').read_text()
    for said in ('seed 3', '2 windows of split val', '2 x 2', 'images of 64 x 64', 'blistering, corrosion, crack'):
        assert said in text, said
    settings = json.loads((tiny_job.work / 'run.json').read_text())
    assert settings['data'] in text


def test_a_sheet_has_gaps_between_samples_only():
    samples = np.zeros((2, 3, 8, 8, 3), np.uint8)
    samples[1, 2] = 7
    drawn = sheet(samples)
    assert drawn.shape == (20, 32, 3)
    assert (drawn[12:, 24:] == 7).all()
    assert (drawn[8:12] == 255).all()
    assert (drawn == 7).sum() == 8 * 8 * 3
    assert first_and_last([(20, 1.0), (40, 0.5), (60, 0.25)]) == '1.0000 → 0.2500'
    assert first_and_last([]) == '-'


def test_a_folder_that_is_no_model_stays(tmp_path, loaded):
    (tmp_path / 'letters').mkdir()
    (tmp_path / 'letters' / 'dear.txt').write_text('love')
    for path in (tmp_path / 'letters', tmp_path / 'letters' / 'dear.txt'):
        with pytest.raises(Exception, match='is there and is no model'):
            save_folder(loaded, path)
    (tmp_path / 'empty').mkdir()
    check_free(tmp_path / 'empty')
    check_free(tmp_path / 'new')


def test_a_model_replaces_the_one_before_it(tmp_path, loaded):
    save_folder(loaded, tmp_path / 'model')
    (tmp_path / 'model' / 'old.txt').write_text('of the one before')
    save_folder(loaded, tmp_path / 'model')
    assert not (tmp_path / 'model' / 'old.txt').exists()
    assert loaded.unet.dtype == torch.float32
