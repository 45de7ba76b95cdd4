"""How the model is run: precision, checkpoints, compilation, and that each leaves the UNet as it was."""

from functools import partial

import pytest
import torch
from tiny_edits import edit_settings, photographs

from augment.editing.editor import Editor
from augment.editing.execution import RECOMPILATIONS, running
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


def test_compiled_blocks_change_rounding_alone(monkeypatch):
    """Graphs and their guards are those of a GPU; machine code, which takes long, is not made of them."""
    pipe, graphs, calls = tiny_sdxl(0), [], []

    def backend(graph, inputs):
        graphs.append(graph)

        def run(*args):
            calls.append(graph)
            return graph(*args)

        return run

    monkeypatch.setattr(
        pipe.unet, 'compile_repeated_blocks', partial(pipe.unet.compile_repeated_blocks, backend=backend)
    )
    images, regions = photographs()
    editor = Editor(pipe, edit_settings('null-text', steps=2, inversion={'inner_steps': 1}))
    compiling = editor.replaced(runtime=Runtime(compile=True))
    latents, made, called = [], [], []
    for other in (editor, compiling, compiling, editor):
        latents.append(other.edit(other.invert(images), ['peeling'], regions)[0][0].latent)
        made.append(len(graphs))
        called.append(len(calls))
    torch.testing.assert_close(latents[1], latents[0], rtol=0, atol=2e-3)
    assert torch.equal(latents[3], latents[0])
    assert 0 == made[0] < made[1] == made[2] == made[3]
    assert 0 == called[0] < called[1] < called[2] == called[3]
    assert made[1] <= RECOMPILATIONS
