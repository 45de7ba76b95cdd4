"""What both stages lose, against values by hand and against the libraries' own."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from augment.pocket.data import Windows
from augment.pocket.networks import FACTOR, Painter, WideAttention, new_vae
from augment.pocket.settings import StageSettings, TrainSettings
from augment.pocket.tokenizers import pocket_tokenizers
from augment.pocket.train_unet import NoiseLoss, Prompts, min_snr_weight, pocket_scheduler
from augment.pocket.train_vae import VAELoss, divergence, edge_loss, normalise, random_crops, to_pixels

CAPTIONS = ('photo of a crack', 'photo of a crack with rust', 'photo of a crack')


@pytest.fixture
def windows():
    """Three windows whose pixels say where they lie: red the row, green the column, blue the window."""
    rows, columns = torch.meshgrid(torch.arange(32), torch.arange(32), indexing='ij')
    images = torch.stack([torch.stack([rows, columns, torch.full_like(rows, k)], -1) for k in range(3)])
    return Windows(images.to(torch.uint8).numpy(), CAPTIONS)


def test_pixels_reach_from_minus_one_to_one():
    pixels = to_pixels(torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1).expand(1, 4, 2, 3))
    assert pixels.shape == (1, 3, 4, 2)
    assert pixels[0, 0, 0].tolist() == [-1, 1]


def test_crops_are_parts_of_windows_some_of_them_mirrored(windows):
    crops = random_crops(windows, 64, 8, torch.Generator().manual_seed(0))
    crops = ((crops + 1) * 127.5).round()
    red, green, blue = crops.unbind(1)
    assert (red.diff(dim=1) == 1).all()
    assert (blue == blue[:, :1, :1]).all()
    mirrored = green.diff(dim=2)[:, 0, 0] == -1
    assert 16 < mirrored.sum() < 48
    assert {*blue[:, 0, 0].tolist()} == {0, 1, 2}
    assert red.min() == 0
    assert red.max() == 31, 'the last row is never seen'
    assert random_crops(windows, 2, 99, torch.Generator()).shape == (2, 3, 32, 32)


def test_edge_loss_by_hand():
    flat, step = torch.zeros(1, 1, 2, 3), torch.tensor([[[[0.0, 1, 1], [0, 1, 1]]]])
    assert edge_loss(step, flat).item() == pytest.approx(1 / 2)  # of four differences across two are one
    assert edge_loss(step, step + 5).item() == 0


def test_divergence_is_that_of_two_normals():
    mean, logvar = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(0.0, 1.0)).mean()
    assert divergence(mean, logvar).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_autoencoder_learns_and_its_weights_count(windows):
    vae = new_vae(32)
    settings = TrainSettings(vae=StageSettings(1, 2, 1e-3), crop=16)
    losses = [VAELoss(vae, windows, s)(torch.Generator().manual_seed(1)) for s in (settings, settings)]
    assert losses[0].item() == losses[1].item()
    losses[0].backward()
    assert all(weight.grad is not None for weight in vae.parameters())
    heavier = TrainSettings(vae=settings.vae, crop=16, kl=1.0)
    assert VAELoss(vae, windows, heavier)(torch.Generator().manual_seed(1)) > losses[0]


def test_normalised_latents_and_the_same_reconstruction(windows):
    vae = new_vae(32).eval().requires_grad_(False)
    vae.quant_conv.bias.copy_(torch.arange(8.0))
    pixels = to_pixels(torch.from_numpy(windows.images))
    before = vae.encode(pixels).latent_dist.mode()
    expected = vae.decode(before).sample
    scaled = normalise(vae, before)
    assert scaled.mean((0, 2, 3)).abs().max() < 1e-4
    assert scaled.std().item() == pytest.approx(1, rel=1e-3)
    after = vae.encode(pixels).latent_dist
    assert torch.allclose(after.mode() * vae.config.scaling_factor, scaled, atol=1e-4)
    assert torch.allclose(vae.decode(after.mode()).sample, expected, atol=1e-4)
    assert vae.config.scaling_factor != 1


def test_weights_of_noise_levels_by_hand():
    alphas = torch.tensor([0.99, 0.5, 0.01])  # signal to noise 99, 1, 1/99
    assert min_snr_weight(alphas, 5.0).tolist() == pytest.approx([5 / 99, 1, 1], rel=1e-4)
    assert min_snr_weight(alphas, 0).tolist() == [1, 1, 1]


class Known(torch.nn.Module):
    """Knows the noise; notes what it was asked."""

    def __init__(self, noise, offset=0.0):
        super().__init__()
        self.answer, self.unet = noise + offset, new_vae(32)  # of the UNet only the device is asked for

    def encode(self, ids, ids_2):
        self.asked = ids
        return ids[:, :, None].float(), ids.sum(1)

    def forward(self, noisy, timesteps, seq, pooled):
        self.noisy, self.seq, self.pooled = noisy, seq, pooled
        return self.answer


@pytest.fixture
def drawn():
    """Latents, captions, levels and noise of a batch of four."""
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 4, 4, 8, 8, generator=generator)
    return clean, torch.tensor([1, 0, 2, 1]), torch.tensor([0, 300, 600, 999]), noise


def loss_of(painter, captions=CAPTIONS, **settings):
    prompts = Prompts.build(pocket_tokenizers(captions), captions)
    return NoiseLoss(painter, torch.zeros(1, len(captions), 4, 8, 8), prompts, TrainSettings(**settings))


def test_noise_that_is_found_costs_nothing_and_other_its_square(drawn):
    *_, noise = drawn
    assert loss_of(Known(noise)).of(*drawn).item() == 0
    assert loss_of(Known(noise, 0.5), min_snr=0).of(*drawn).item() == pytest.approx(0.25)
    weights = min_snr_weight(pocket_scheduler().alphas_cumprod[drawn[2]], 5.0)
    assert loss_of(Known(noise, 0.5)).of(*drawn).item() == pytest.approx(0.25 * weights.mean().item())
    assert loss_of(Known(noise, 0.5)).of(*drawn, weighted=False).item() == pytest.approx(0.25)


def test_noise_is_added_as_the_scheduler_adds_it_and_captions_reach_their_rows(drawn):
    clean, captions, timesteps, noise = drawn
    painter = Known(noise)
    loss = loss_of(painter)
    loss.of(*drawn)
    assert torch.allclose(painter.noisy, pocket_scheduler().add_noise(clean, noise, timesteps), atol=1e-6)
    assert len(painter.asked) == 3, 'each different caption is encoded once'
    assert torch.equal(painter.seq[:, :, 0].long(), loss.ids[captions])
    assert torch.equal(painter.pooled, loss.ids[captions].sum(1))
    loss.of(*drawn, pooled_captions=captions * 0)
    assert torch.equal(painter.seq[:, :, 0].long(), loss.ids[captions])
    assert torch.equal(painter.pooled, loss.ids[[0, 0, 0, 0]].sum(1))


def test_prompts_begin_with_the_empty_one():
    first, second = pocket_tokenizers(CAPTIONS)
    prompts = Prompts.build((first, second), CAPTIONS)
    assert prompts.of_window.tolist() == [1, 2, 1]
    assert (prompts.ids[0, 1:] == first.pad_token_id).all()
    assert prompts.ids_2[0, 1] == second.eos_token_id
    assert (prompts.ids_2[0, 2:] == second.pad_token_id).all()
    assert first.decode(prompts.ids[2], skip_special_tokens=True).strip() == CAPTIONS[1]


@pytest.mark.parametrize(('dropout', 'pooled_dropout'), [(0.0, 0.0), (0.3, 0.0), (0.2, 0.5)])
def test_captions_are_left_out_by_their_share(monkeypatch, dropout, pooled_dropout):
    shares = dict(dropout=dropout, pooled_dropout=pooled_dropout)
    loss = loss_of(Known(torch.zeros(1)), unet=StageSettings(1, 4000, 1e-3), **shares)
    monkeypatch.setattr(
        loss, 'of', lambda clean, captions, timesteps, noise, pooled: (captions, timesteps, pooled)
    )
    captions, timesteps, pooled = loss(torch.Generator().manual_seed(0))
    assert (captions == 0).float().mean().item() == pytest.approx(dropout, abs=0.03)
    assert (captions == 2).float().mean().item() == pytest.approx((1 - dropout) / 3, abs=0.03)
    assert (pooled[captions > 0] == 0).float().mean().item() == pytest.approx(pooled_dropout, abs=0.03)
    assert ((pooled == captions) | (pooled == 0)).all()
    assert (timesteps.min(), timesteps.max()) == (0, 999)


@pytest.mark.parametrize('bf16', [False, True])
def test_the_unet_computes_in_bfloat16_where_it_is_asked_to_and_attends_in_float32(bf16):
    tokenizers = pocket_tokenizers(CAPTIONS)
    painter, seen = Painter(tokenizers, 32), {}
    painter.unet.set_attn_processor(WideAttention())
    layer = painter.unet.mid_block.attentions[0].transformer_blocks[0].attn1
    painter.unet.conv_in.register_forward_hook(lambda module, args, out: seen.update(conv=out.dtype))
    layer.to_v.register_forward_hook(lambda module, args, out: seen.update(value=out.dtype))
    layer.to_out[0].register_forward_pre_hook(lambda module, args: seen.update(mixed=args[0].dtype))
    settings = TrainSettings(unet=StageSettings(1, 3, 1e-3), bf16=bf16)
    loss = NoiseLoss(painter, torch.randn(2, 3, 4, 8, 8), Prompts.build(tokenizers, CAPTIONS), settings)
    assert loss(torch.Generator()).dtype == torch.float32
    half = torch.bfloat16 if bf16 else torch.float32
    assert seen == {'conv': half, 'value': half, 'mixed': torch.float32}


def test_the_loss_reaches_unet_and_both_encoders():
    tokenizers = pocket_tokenizers(CAPTIONS)
    painter = Painter(tokenizers, 32)
    latents = torch.randn(2, 3, 4, 32 // FACTOR, 32 // FACTOR)
    settings = TrainSettings(unet=StageSettings(1, 3, 1e-3), dropout=0.0)
    NoiseLoss(painter, latents, Prompts.build(tokenizers, CAPTIONS), settings)(torch.Generator()).backward()
    still = {name for name, weight in painter.named_parameters() if weight.grad is None}
    # SDXL reads the last layer but one; of the first encoder nothing reads the last.
    assert {name.split('.')[0] for name in still} == {'text_encoder'}
    assert not any('layers.0.' in name or 'embedding' in name for name in still)
