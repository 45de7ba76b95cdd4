"""The package that holds SegGPT's layers, imported when a model asks for it, and the sizes of its network."""

import inspect
from types import ModuleType
from typing import Any

from mmseg_ext.errors import UsageError, near

INSTALL = "pip install -c requirements/constraints.txt -e '.[seggpt]'"
CHANNELS = 3  # images and coloured masks


def load_transformers() -> ModuleType:
    """The package; UsageError with the command that installs it."""
    try:
        import transformers
    except ImportError as error:
        raise UsageError(f'SegGPT: {error.name or "transformers"} is not installed; {INSTALL}') from error
    return transformers


def seggpt_config(overrides: dict[str, Any] | None = None) -> Any:
    """transformers' SegGptConfig: SegGPT on ViT-Large (370,723,203 weights), but for the ``overrides``.

    UsageError for an option that there is not, and for sizes that do not go together.
    """
    kind = load_transformers().SegGptConfig
    from huggingface_hub.errors import StrictDataclassError  # comes with transformers

    overrides, known = dict(overrides or {}), inspect.get_annotations(kind)
    for name in overrides:
        if name not in known:
            raise UsageError(f'SegGPT: config.{name}: no such option; did you mean {near(name, known)}?')
    try:
        config = kind(**overrides)
    except StrictDataclassError as error:  # a value of the wrong type; what is wrong is the last line
        raise UsageError(f'SegGPT: config: {str(error).splitlines()[-1].strip()}') from error
    _check_sizes(config)
    _check_layers(config)
    return config


def _check_sizes(config: Any) -> None:
    size, patch = config.image_size, config.patch_size
    if not isinstance(patch, int) or patch < 1:
        raise UsageError(f'SegGPT: config.patch_size={patch!r}: patches are squares; give one number of pixels')
    if isinstance(size, int) or len(size) != 2 or size[0] != 2 * size[1]:
        raise UsageError(
            f'SegGPT: config.image_size={size!r}: a square prompt stands above a square query; give (2S, S), '
            'such as (896, 448)'
        )
    for name, side in dict(image_size=size[1], pretrain_image_size=config.pretrain_image_size).items():
        if not isinstance(side, int) or side < patch or side % patch:
            raise UsageError(
                f'SegGPT: config.{name}: {side!r} pixels are not a multiple of the patch of {patch}; '
                f'{_nearest(side, patch)} is the nearest'
            )
    if config.num_channels != CHANNELS:
        raise UsageError(f'SegGPT: config.num_channels={config.num_channels}: masks are painted in {CHANNELS}')


def _nearest(side: Any, patch: int) -> int:
    return max(1, round(side / patch)) * patch if isinstance(side, int) else patch


def _check_layers(config: Any) -> None:
    if not config.use_relative_position_embeddings:
        raise UsageError(
            'SegGPT: config.use_relative_position_embeddings=False: its attention has them; leave it out'
        )
    width, heads, depth = config.hidden_size, config.num_attention_heads, config.num_hidden_layers
    indices, merge = config.intermediate_hidden_state_indices, config.merge_index
    if heads < 1 or width % heads:
        raise UsageError(f'SegGPT: config.num_attention_heads={heads} do not divide hidden_size={width}')
    if not indices or not all(0 <= index < depth for index in indices) or sorted(set(indices)) != list(indices):
        raise UsageError(
            f'SegGPT: config.intermediate_hidden_state_indices={list(indices)}: name layers in rising order, '
            f'of 0 to {depth - 1}'
        )
    if not 0 <= merge <= indices[0]:
        raise UsageError(
            f'SegGPT: config.merge_index={merge}: image and mask are merged at the first layer that the decoder '
            f'sees or before; give 0 to {indices[0]}'
        )
