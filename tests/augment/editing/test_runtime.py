"""How the model is run: precision, checkpoints, compilation, and that each leaves the UNet as it was."""

import shutil

import pytest
import torch
from tiny_edits import edit_settings, photographs

from augment.editing.editor import Editor
from augment.editing.execution import running
from augment.editing.runtime import Runtime
from augment.errors import UsageError
from augment.sdxl.tiny import tiny_sdxl


def test_precision_follows_the_device(monkeypatch):
    cpu, gpu = torch.device('cpu'), torch.device('cuda')
    assert Runtime().precision(cpu) == torch.float32
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation: True)
    assert Runtime().precision(gpu) == torch.bfloat16
    assert Runtime('fp32').precision(gpu) == torch.float32
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda including_emulation: False)
    assert Runtime().precision(gpu) == torch.float32
    assert Runtime('bf16').precision(cpu) == torch.bfloat16


def test_what_no_runtime_can_be():
    with pytest.raises(UsageError, match="'fp8' is none of auto, bf16, fp32"):
        Runtime(dtype='fp8')
    with pytest.raises(UsageError, match='batch: 0'):
        Runtime(batch=0)


def test_half_precision_is_near_full_precision():
    pipe = tiny_sdxl(0)  # its weights are rounded, so not the shared one
    images, regions = photographs()
    settings = edit_settings(guidance=1.0, blend={'by': 'none'})
    latents = []
    for dtype in ('fp32', 'bf16'):
        editor = Editor(pipe, settings, Runtime(dtype))
        latents.append(editor.edit(editor.invert(images), ['peeling'], regions)[0][0].latent)
        assert pipe.unet.dtype == {'fp32': torch.float32, 'bf16': torch.bfloat16}[dtype]
    assert latents[1].dtype == torch.float32
    assert 0 < (latents[0] - latents[1]).abs().mean() < 0.05 * latents[0].abs().mean()


def test_checkpointing_recomputes_and_changes_nothing(pipe):
    images, regions = photographs()
    editor = Editor(pipe, edit_settings('null-text', inversion={'inner_steps': 2}))
    results, calls = [], []
    block = pipe.unet.mid_block.attentions[0].transformer_blocks[0]
    hook = block.register_forward_pre_hook(lambda *_: calls.append(1))
    for runtime in (Runtime(), Runtime(checkpointing=True)):
        before = len(calls)
        other = editor.replaced(runtime=runtime)
        inversions = other.invert(images)
        results.append(
            (len(calls) - before, inversions[0].null.seq, other.edit(inversions, ['rust'], regions)[0][0].latent)
        )
        assert not pipe.unet.is_gradient_checkpointing
    hook.remove()
    (plain, null, latent), (recomputed, *others) = results
    assert recomputed > plain
    torch.testing.assert_close([null, latent], others, rtol=0, atol=1e-4)


def test_checkpointing_of_the_user_s_own_is_kept():
    unet = tiny_sdxl(0).unet
    unet.enable_gradient_checkpointing()
    with running(unet, Runtime()):
        assert not unet.is_gradient_checkpointing
    assert unet.is_gradient_checkpointing


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which('c++'), reason='torch.compile needs a C++ compiler on a CPU')
def test_compiled_blocks_change_rounding_alone():
    pipe = tiny_sdxl(0)
    images, regions = photographs(2)
    editor = Editor(pipe, edit_settings('null-text', inversion={'inner_steps': 2}))
    plain = editor.edit(editor.invert(images), ['peeling', 'rust'], regions)
    fast = editor.replaced(runtime=Runtime(compile=True, batch=2))
    compiled = fast.edit(fast.invert(images), ['peeling', 'rust'], regions)
    for expected, results in zip(plain, compiled, strict=True):
        for pair in zip(results, expected, strict=True):
            torch.testing.assert_close(*(result.latent for result in pair), rtol=0, atol=2e-3)
    again = editor.edit(editor.invert(images), ['peeling', 'rust'], regions)
    assert torch.equal(again[0][0].latent, plain[0][0].latent)
