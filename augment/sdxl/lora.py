"""Low-rank weights (LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685) added into a model's own."""

from importlib.util import find_spec
from pathlib import Path

from augment.errors import UsageError
from augment.sdxl.source import ModelSource, cure, missing, resolve
from augment.sdxl.upstream import StableDiffusionXLPipeline


def fuse(pipe: StableDiffusionXLPipeline, source: ModelSource) -> None:
    """Add ``source.lora`` to the weights; afterwards the model has no further layers and costs what it did.

    Raises UsageError when the file is not there, fits another model, or changes no layer of this one.
    """
    if find_spec('peft') is None:
        raise UsageError('--lora needs one more package: pip install peft')
    path = weight_file(resolve('LoRA', source.lora, source.offline, top=True))
    with missing(f'LoRA {source.lora}', cure(source.lora, top=True)):
        pipe.load_lora_weights(str(path.parent), weight_name=path.name, local_files_only=True)
    if not pipe.get_list_adapters():
        raise UsageError(f'LoRA {source.lora} holds no weights for any layer of {source.name}')
    pipe.fuse_lora(lora_scale=source.lora_scale, safe_fusing=True)
    pipe.unload_lora_weights()


def weight_file(path: Path) -> Path:
    """The one ``.safetensors`` file at ``path``; raises UsageError when a folder has none, or several."""
    if path.is_file():
        return path
    files = sorted(path.glob('*.safetensors'))
    if len(files) != 1:
        names = ', '.join(file.name for file in files) or 'none'
        raise UsageError(
            f'{path}: one .safetensors file is needed, there are {len(files)} ({names}); name the file'
        )
    return files[0]
