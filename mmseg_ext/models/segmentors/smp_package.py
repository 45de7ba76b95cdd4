"""segmentation_models_pytorch (smp): imported when a model asks for it, its refusals in one line.

Networks are always built with random weights: smp itself would download pretrained ones wherever a network is
built, and a config is built to be checked, to test and to predict too.
"""

import difflib
import inspect
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import nn

from mmseg_ext.errors import UsageError

INSTALL = "pip install -c requirements/constraints.txt -e '.[smp]'"
WEIGHTS = 'model.safetensors'  # the name of the file in each of smp's repositories
# What SMPSegmentor sets itself, and what would make of the output something else than logits of the image's size.
OWN = ('encoder_name', 'encoder_weights', 'in_channels', 'classes')
REFUSED = {
    'aux_params': 'a classification of whole images has no loss here',
    'activation': 'losses and predictions take logits',
    'upsampling': 'the logits must have the size of the image',
}


class EncoderWeights(NamedTuple):
    """Pretrained weights of an encoder: their address, their name here, and the copy in the hub's own cache."""

    url: str
    name: str
    cached: Path | None


def load_smp() -> ModuleType:
    """The package; UsageError with the command that installs what is missing."""
    try:
        import segmentation_models_pytorch
    except (ImportError, RuntimeError) as error:
        missing = getattr(error, 'name', None)
        if missing and missing.partition('.')[0] != 'torchvision':
            raise UsageError(f'SMPSegmentor: {missing} is not installed; {INSTALL}') from error
        raise UsageError(
            f'SMPSegmentor: there is no torchvision that fits torch {torch.__version__}; install both from one '
            'index, such as --index-url https://download.pytorch.org/whl/cpu'
        ) from error
    return segmentation_models_pytorch


def build_network(
    arch: str, encoder_name: str, in_channels: int, out_channels: int, options: dict[str, Any]
) -> nn.Module:
    """smp's network of that architecture and encoder; ``options`` are the architecture's own.

    ``forward(images (N, in_channels, H, W))`` gives logits (N, out_channels, H, W) where ``encoder.output_stride``
    divides H and W. UsageError for names that smp lacks, and for options that it would ignore.
    """
    smp = load_smp()
    archs = {name.lower(): name for name in smp.__all__ if inspect.isclass(getattr(smp, name))}
    if arch.lower() not in archs:
        raise UsageError(f'SMPSegmentor: arch {arch!r}: {_meant(arch, archs.values())}')
    foreign = encoder_name.startswith(('tu-', 'timm-'))  # names and options of timm, which refuses unknown ones
    if not foreign and encoder_name not in smp.encoders.encoders:
        raise UsageError(
            f'SMPSegmentor: encoder_name {encoder_name!r}: {_meant(encoder_name, smp.encoders.encoders)}, '
            'or tu- and a name of timm'
        )
    kind = getattr(smp, archs[arch.lower()])
    _check_options(options, list(inspect.signature(kind).parameters), foreign)
    shape = dict(encoder_name=encoder_name, encoder_weights=None, in_channels=in_channels, classes=out_channels)
    try:
        return kind(**shape, **options)
    except (TypeError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(f'SMPSegmentor: {arch} on {encoder_name} cannot be built: {reason}') from error


def encoder_weights(encoder_name: str, weights: str) -> EncoderWeights:
    """Where pretrained ``weights`` (such as 'imagenet') of an encoder come from; UsageError if there are none."""
    from huggingface_hub import try_to_load_from_cache  # comes with smp

    known = load_smp().encoders.encoders.get(encoder_name, {}).get('pretrained_settings', {})
    if weights not in known:
        cure = f'it has {", ".join(known)}' if known else 'None is all that is offered for this encoder'
        raise UsageError(f'encoder_weights {weights!r} of {encoder_name}: {cure}; or give a .safetensors file')
    repository, revision = known[weights]['repo_id'], known[weights]['revision']
    cached = try_to_load_from_cache(repository, WEIGHTS, revision=revision)
    return EncoderWeights(
        f'https://huggingface.co/{repository}/resolve/{revision}/{WEIGHTS}',
        f'{encoder_name}.{weights}.safetensors',
        Path(cached) if isinstance(cached, str) else None,
    )


def _check_options(options: dict[str, Any], known: list[str], foreign: bool) -> None:
    """Refuse what smp would pass over in silence, and what does not go with a segmentor."""
    own = [name for name in options if name in OWN]
    if own:
        raise UsageError(f'SMPSegmentor: {own[0]} is no option of the architecture; set it beside arch')
    for name, reason in REFUSED.items():
        if options.get(name) is not None:
            raise UsageError(f'SMPSegmentor: arch_options.{name}={options[name]!r}: {reason}; leave it out')
    stray = [name for name in options if name not in known]
    if stray and not foreign:
        offered = [name for name in known if name not in (*OWN, *REFUSED, 'kwargs')]
        raise UsageError(f'SMPSegmentor: arch_options.{stray[0]}: {_meant(stray[0], offered)}')


def _meant(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    return f'did you mean {", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.0))}?'
