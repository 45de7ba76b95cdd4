"""The deterministic DDIM path in both directions (Song et al. 2021, https://arxiv.org/abs/2010.02502, eq. 12).

One step is affine in the latent and the predicted noise: ``z' = r z + c eps`` with ``r = sqrt(a' / a)`` and
``c = sqrt(1 - a') - r sqrt(1 - a)``, where ``a`` and ``a'`` are the cumulated alphas of the two noise levels. Up
is the same step with the levels exchanged, hence the exact inverse for the same ``eps``.
"""

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from augment.errors import UsageError
from augment.sdxl.upstream import DDIMScheduler, StableDiffusionXLPipeline

# Clipping or another final alpha makes a step that has no inverse; the offset and spacing are those of training.
FORCED = dict(
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
    timestep_spacing='leading',
    thresholding=False,
    rescale_betas_zero_snr=False,
)


def ddim_scheduler(config: dict[str, Any]) -> DDIMScheduler:
    """DDIM with the noise schedule of another scheduler's ``config`` and the fields that inversion needs.

    Raises UsageError for models whose schedule DDIM cannot follow: no betas in the config (flow matching, EDM), a
    schedule rescaled to zero signal, a prediction that is neither noise nor velocity.
    """
    config = dict(config)
    if config.get('trained_betas') is None and not {'beta_start', 'beta_end', 'beta_schedule'} <= set(config):
        raise UsageError('the scheduler of this model names no betas: it is not a DDIM-like diffusion model')
    if config.get('rescale_betas_zero_snr'):
        raise UsageError('this model was trained with rescale_betas_zero_snr: pure noise has no way back')
    prediction = config.get('prediction_type', 'epsilon')
    if prediction not in ('epsilon', 'v_prediction'):
        raise UsageError(f'this model predicts {prediction!r}; only epsilon and v_prediction can be inverted')
    # Fields that a config lists as left at their defaults would be put back to the defaults of DDIM.
    config.pop('_use_default_values', None)
    return DDIMScheduler.from_config({**config, **FORCED})


@dataclass(frozen=True)
class DDIMGrid:
    """T descending timesteps and the cumulated alphas of their T + 1 levels.

    Step i leads from level i (timestep ``timesteps[i]``) down to level i + 1; level T is the image. Coefficients
    are computed in double precision and applied in the latent's own, float32.
    """

    timesteps: tuple[int, ...]
    levels: tuple[float, ...]
    prediction_type: str = 'epsilon'

    @classmethod
    def from_pipeline(cls, pipe: StableDiffusionXLPipeline, steps: int) -> 'DDIMGrid':
        """The grid of ``steps`` steps for the model of ``pipe``, whatever scheduler the pipe itself has."""
        scheduler = ddim_scheduler(pipe.scheduler.config)
        wrong = [name for name, value in FORCED.items() if scheduler.config[name] != value]
        if wrong:
            raise UsageError(f'the DDIM scheduler of this version of diffusers did not take over {wrong}')
        most = scheduler.config.num_train_timesteps - 1
        if not 1 <= steps <= most:
            raise UsageError(f'steps: {steps} is not between 1 and {most}')
        scheduler.set_timesteps(steps)
        timesteps = tuple(scheduler.timesteps.tolist())
        alphas = scheduler.alphas_cumprod.double()
        levels = (*alphas[list(timesteps)].tolist(), scheduler.final_alpha_cumprod.item())
        return cls(timesteps, levels, scheduler.config.prediction_type)

    def __len__(self) -> int:
        return len(self.timesteps)

    def alpha_bar(self, i: int) -> float:
        """Cumulated alpha at level i: of timestep i, or of the image for i = T."""
        return self.levels[i]

    def down(self, z: Tensor, eps: Tensor, i: int) -> Tensor:
        """Latents (N, 4, h, w) of level i brought to level i + 1, by the noise ``eps`` predicted in them."""
        return _between(z, eps, self.levels[i], self.levels[i + 1])

    def up(self, z: Tensor, eps: Tensor, i: int) -> Tensor:
        """Latents (N, 4, h, w) of level i + 1 brought to level i: the inverse of ``down`` for the same ``eps``."""
        return _between(z, eps, self.levels[i + 1], self.levels[i])


def _between(z: Tensor, eps: Tensor, alpha: float, other: float) -> Tensor:
    ratio = math.sqrt(other / alpha)
    return ratio * z + (math.sqrt(1 - other) - ratio * math.sqrt(1 - alpha)) * eps
