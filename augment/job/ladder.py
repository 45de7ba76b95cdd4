"""What is tried when an edit does not fit into memory, is not finite, or is not good enough; pure decisions.

Memory: half the batch, then checkpointing, then the rows of the guidance one by one, then a smaller canvas.
Numbers: fp32. Quality: half the guidance, then a weaker equalizer, then more of the residual, each on top of the
one before; then quarantine.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from augment.config.plain import overridden
from augment.config.settings import EditSettings

if TYPE_CHECKING:
    from augment.editing.runtime import Runtime

MILD_EQUALIZER, MORE_RESIDUAL = 1.5, 0.2
SMALLEST_SHARE = 0.5  # of the model's native side: below, SDXL draws something else
UNCHANGED = {'largest_area'}  # gates that no other setting of the ladder would open


@dataclass(frozen=True)
class Rung:
    """How an edit is tried."""

    settings: EditSettings
    runtime: 'Runtime'


@dataclass(frozen=True)
class Fall:
    """Another way to try it, and what that changes, as the manifest says it."""

    rung: Rung
    change: str


def lighter(rung: Rung, native: int) -> Fall | None:
    """The next way that takes less memory, None when there is none; ``native`` is the side of the canvas."""
    runtime = rung.runtime
    if runtime.batch > 1:
        half = runtime.batch // 2
        return Fall(replace(rung, runtime=replace(runtime, batch=half)), f'batch {runtime.batch} -> {half}')
    if not runtime.checkpointing:
        return Fall(replace(rung, runtime=replace(runtime, checkpointing=True)), 'checkpointing on')
    if not runtime.split_guidance:
        return Fall(replace(rung, runtime=replace(runtime, split_guidance=True)), 'split guidance on')
    return _smaller(rung, native)


def _smaller(rung: Rung, native: int) -> Fall | None:
    """Three quarters of the native side, then half of it, in multiples of 64."""
    now = rung.settings.crop.resolution or native
    sides = sorted({int(native * share) // 64 * 64 for share in (0.75, SMALLEST_SHARE)} - {0}, reverse=True)
    side = next((side for side in sides if side < now), None)
    if side is None:
        return None
    return Fall(
        replace(rung, settings=overridden(rung.settings, {'crop.resolution': side})),
        f'resolution {now} -> {side}',
    )


def more_exact(rung: Rung, reduced: bool) -> Fall | None:
    """The same in fp32, where what was tried was of ``reduced`` precision; None otherwise."""
    if not reduced or rung.runtime.dtype == 'fp32':
        return None
    return Fall(replace(rung, runtime=replace(rung.runtime, dtype='fp32')), 'precision -> fp32')


def milder(rung: Rung) -> Iterator[Fall]:
    """Ways to repeat an edit that a gate refused, each on top of the one before, without empty ones."""
    for name, path, value in _steps(rung.settings):
        before = _get(rung.settings, path)
        rung = replace(rung, settings=overridden(rung.settings, {path: value}))
        yield Fall(rung, f'{name} {before:g} -> {value:g}')


def _steps(settings: EditSettings) -> list[tuple[str, str, float]]:
    steps = [('guidance', 'guidance', settings.guidance / 2)]
    if settings.control.equalizer > MILD_EQUALIZER:
        steps.append(('equalizer', 'control.equalizer', MILD_EQUALIZER))
    if 0 < settings.rli.alpha < MORE_RESIDUAL:  # 0 is a choice
        steps.append(('alpha', 'rli.alpha', MORE_RESIDUAL))
    return steps


def _get(settings: EditSettings, path: str) -> Any:
    for part in path.split('.'):
        settings = getattr(settings, part)
    return settings


def worth_retrying(failed: list[str]) -> bool:
    """Whether other settings may open the gates that failed."""
    return bool(failed) and not UNCHANGED & {*failed}


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, on a GPU or a CPU, had no memory for it."""
    from torch import OutOfMemoryError

    said = 'not enough memory', "can't allocate memory"
    return isinstance(error, OutOfMemoryError | MemoryError) or any(text in str(error) for text in said)
