"""On what the model runs, in which precision, and how much of it at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from augment.editing.runtime import Runtime
from augment.errors import UsageError

if TYPE_CHECKING:
    import torch

GIB = 2**30
WEIGHTS = 8.0  # GiB of SDXL in bf16: UNet, encoders, VAE, and the VAE's own work at 1024 px
PER_IMAGE = 6.0  # GiB that null-text keeps of one image of 1024 x 1024 px for the backward pass, in bf16
MOST = 8  # images at once; beyond, a GPU that is busy anyway gains nothing


@dataclass(frozen=True)
class Place:
    """A device, how it is called, and its free memory in GiB (0 where that is not known)."""

    device: 'torch.device'
    name: str
    free: float = 0.0

    @property
    def is_cpu(self) -> bool:
        """Whether it is no accelerator."""
        return self.device.type == 'cpu'


def find_place(asked: str | None) -> Place:
    """The device that was asked for, else the first GPU, else the CPU. UsageError for a GPU that is not there."""
    import torch

    if asked and asked.startswith('cuda') and not torch.cuda.is_available():
        built = '' if torch.version.cuda else '; this build of torch is for CPUs'
        raise UsageError(f'--device {asked}: no CUDA device here{built}; leave --device out to run on the CPU')
    try:
        device = torch.device(asked or ('cuda' if torch.cuda.is_available() else 'cpu'))
    except RuntimeError as error:
        raise UsageError(f'--device {asked}: no device of that name; give cpu, cuda or cuda:1') from error
    if device.type != 'cuda':
        return Place(device, 'CPU' if device.type == 'cpu' else device.type)
    if (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f'--device {asked}: there are {torch.cuda.device_count()} GPUs, counted from 0')
    return Place(device, torch.cuda.get_device_name(device), torch.cuda.mem_get_info(device)[0] / GIB)


def choose_runtime(
    place: Place, resolution: int, batch: int | None, precision: str, low_resource: bool, compile_: bool = False
) -> Runtime:
    """What should fit into the free memory of ``place`` for squares of ``resolution`` pixels; a guess.

    ``batch`` overrides it. ``low_resource``: one image, one row at a time, with checkpointing.
    """
    if low_resource:
        return Runtime(precision, batch or 1, checkpointing=True, split_guidance=True, compile=compile_)
    each = PER_IMAGE * (resolution / 1024) ** 2 * (2 if precision == 'fp32' else 1)
    room = place.free - WEIGHTS * (2 if precision == 'fp32' else 1)
    fitting = max(1, min(MOST, int(room / each)))
    tight = not place.is_cpu and room < each
    return Runtime(precision, batch or fitting, checkpointing=tight, split_guidance=tight, compile=compile_)


def runs_where(place: Place, runtime: Runtime, small: bool) -> str:
    """One line for the screen: on what, in which precision, and that a CPU is slow, unless the model is small."""
    import torch

    names = {torch.bfloat16: 'bf16', torch.float32: 'fp32'}
    text = f'{place.name}, {names[runtime.precision(place.device)]}, batch {runtime.batch}'
    if place.is_cpu and not small:
        return f'no CUDA device: on the {text}; SDXL takes hours a photograph there'
    return f'on the {text}' if place.is_cpu else f'on {text} ({place.free:.0f} GiB free)'
