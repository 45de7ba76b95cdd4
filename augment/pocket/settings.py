"""Every number of the training that can change a weight, apart from the sizes in ``networks``."""

from dataclasses import dataclass

from augment.errors import UsageError


@dataclass(frozen=True)
class StageSettings:
    """One stage: ``steps`` of ``batch`` images with AdamW, whose rate rises for ``warmup`` steps to ``rate`` and
    falls along a cosine to zero at the end."""

    steps: int
    batch: int
    rate: float
    warmup: int = 100

    def __post_init__(self) -> None:
        for name in ('steps', 'batch', 'warmup'):
            if getattr(self, name) < 1:
                raise UsageError(f'{name}: {getattr(self, name)} is less than 1')


@dataclass(frozen=True)
class TrainSettings:
    """Both stages.

    ``crop``: side in pixels of what the autoencoder is trained on, which has no attention and hence no size of its
    own. ``edge`` and ``kl`` weigh the loss of its gradients and its divergence beside L1. ``dropout`` is the share
    of captions that are left out, for guidance, and ``pooled_dropout`` of the others that the pooled embedding
    leaves out: it speaks to all places at once, and what it says need not be looked for by attention. ``min_snr``
    is gamma of Hang et al. 2023 (https://arxiv.org/abs/2303.09556); 0: all noise levels weigh the same. ``ema`` is
    the decay of the averaged weights, which are those that are kept. ``bf16``: steps of the UNet in bfloat16 on a
    CPU too, which pays where it has matrix instructions (amx_bf16); a GPU always computes so.
    """

    seed: int = 0
    vae: StageSettings = StageSettings(steps=6000, batch=16, rate=1e-3)
    unet: StageSettings = StageSettings(steps=7000, batch=16, rate=6e-4)
    crop: int = 64
    edge: float = 0.5
    kl: float = 1e-5
    dropout: float = 0.1
    pooled_dropout: float = 0.5
    min_snr: float = 5.0
    ema: float = 0.999
    bf16: bool = False

    def __post_init__(self) -> None:
        for name in ('dropout', 'pooled_dropout', 'ema'):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f'{name}: {getattr(self, name)} is no share below 1')
        if min(self.edge, self.kl, self.min_snr) < 0:
            raise UsageError('edge, kl and min_snr are not negative')
