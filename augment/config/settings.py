"""What an edit is made of: every number that can change a pixel or a label, and nothing else.

Names are those of the TOML files in ``presets/`` and of the manifest. Lengths are in pixels of the source
photograph unless said otherwise, shares are 0..1.
"""

from dataclasses import dataclass, field
from typing import Any

from augment.errors import UsageError

METHODS = ('null-text', 'npi', 'prox-npi', 'direct', 'ddim')
PLACES = tuple(f'{part}.{kind}' for part in ('down', 'mid', 'up') for kind in ('self', 'cross'))
WORDS = ('scratch', 'rust', 'peeling', 'corrosion', 'blistering', 'dent')


def _one_of(name: str, value: Any, choices: tuple) -> None:
    if value not in choices:
        raise UsageError(f'{name}: {value!r} is none of {", ".join(map(str, choices))}')


def _between(name: str, value: float, low: float, high: float = float('inf')) -> None:
    if not low <= value <= high:
        raise UsageError(f'{name}: {value} is not between {low:g} and {high:g}')


@dataclass(frozen=True)
class RLISettings:
    """Residual linear interpolation: ``(1 - alpha) * attention + alpha * its normalised input``; 0 is off."""

    alpha: float = 0.1
    where: tuple[str, ...] = ('up.self',)

    def __post_init__(self) -> None:
        _between('rli.alpha', self.alpha, 0, 1)
        for place in self.where:
            _one_of('rli.where', place, PLACES)


@dataclass(frozen=True)
class InversionSettings:
    """How a photograph becomes noise from which the model can draw it again.

    ``fixed_point`` further evaluations refine each step up. The others speak of ``null-text`` (``null_…``,
    ``inner_steps``, ``learning_rate``, ``epsilon``, ``patience``) and ``prox-npi`` (``prox…``). The inner loop of
    step i ends when the loss is below ``epsilon + i * epsilon_slope``, or has not fallen for ``patience`` of its
    iterations. ``pin_source`` puts the source row back on its recorded path after each step of an edit; ``direct``
    always does, ``ddim`` never.
    """

    method: str = 'null-text'
    fixed_point: int = 0
    pin_source: bool = True
    null_init: str = 'source'
    null_targets: str = 'both'
    inner_steps: int = 10
    learning_rate: float = 1e-2
    epsilon: float = 1e-5
    epsilon_slope: float = 2e-5
    keep_best: bool = True
    patience: int = 2
    prox: str = 'l0'
    prox_quantile: float = 0.7

    def __post_init__(self) -> None:
        _one_of('inversion.method', self.method, METHODS)
        _one_of('inversion.null_init', self.null_init, ('source', 'empty', 'zeros'))
        _one_of('inversion.null_targets', self.null_targets, ('both', 'seq'))
        _one_of('inversion.prox', self.prox, ('l0', 'l1'))
        _between('inversion.fixed_point', self.fixed_point, 0)
        _between('inversion.inner_steps', self.inner_steps, 0)
        _between('inversion.patience', self.patience, 1)
        _between('inversion.prox_quantile', self.prox_quantile, 0, 1)

    @property
    def pinned(self) -> bool:
        """Whether the source row of an edit is held on the recorded path."""
        return self.method == 'direct' or (self.pin_source and self.method != 'ddim')


@dataclass(frozen=True)
class ControlSettings:
    """Prompt-to-prompt: what the target takes over from the source's attention, and for how long.

    ``cross_window`` and ``self_window`` are shares of the steps. ``equalizer`` multiplies the attention to the
    edited word. ``self_limit`` is the largest number of tokens at which self-attention is replaced: ``auto`` =
    (latent side / 4)², ``all``, or a number.
    """

    mode: str = 'refine'
    cross_window: float = 0.4
    self_window: float = 0.3
    equalizer: float = 2.0
    equalizer_window: str = 'cross'
    self_limit: str | int = 'auto'
    pooled: str = 'target'

    def __post_init__(self) -> None:
        _one_of('control.mode', self.mode, ('refine', 'replace'))
        _one_of('control.equalizer_window', self.equalizer_window, ('cross', 'all'))
        _one_of('control.pooled', self.pooled, ('target', 'source-in-cross-window'))
        _between('control.cross_window', self.cross_window, 0, 1)
        _between('control.self_window', self.self_window, 0, 1)
        _between('control.equalizer', self.equalizer, 0)
        if isinstance(self.self_limit, str):
            _one_of('control.self_limit', self.self_limit, ('auto', 'all'))
        else:
            _between('control.self_limit', self.self_limit, 0)


@dataclass(frozen=True)
class BlendSettings:
    """Where an edit may change the photograph.

    ``by``: the labelled defects widened by ``halo`` pixels, what the model attends to for the words (above
    ``threshold`` of the strongest), both, or everywhere. Outside, latents are those of the source from ``start``
    (a share of the steps) on, and with ``composite`` the pixels are those of the photograph, with a ramp of
    ``feather`` pixels inside the region.
    """

    by: str = 'label'
    start: float = 0.2
    threshold: float = 0.3
    halo: int = 16
    feather: int = 6
    composite: bool = True

    def __post_init__(self) -> None:
        _one_of('blend.by', self.by, ('label', 'attention', 'label+attention', 'none'))
        _between('blend.start', self.start, 0, 1)
        _between('blend.threshold', self.threshold, 0, 1)
        _between('blend.halo', self.halo, 0)
        _between('blend.feather', self.feather, 0, self.halo)


@dataclass(frozen=True)
class CropSettings:
    """What the model sees: windows around the defects, or whole frames.

    Windows are ``context`` times as wide as the defect, at least ``smallest`` pixels; where a photograph would
    have more than ``most_windows``, those that overlap are joined. Both are brought to ``resolution`` (side in
    pixels, multiple of 64; 0: as the model was trained).
    """

    mode: str = 'defect'
    context: float = 3.0
    smallest: int = 128
    most_windows: int = 6
    resolution: int = 0

    def __post_init__(self) -> None:
        _one_of('crop.mode', self.mode, ('defect', 'none'))
        _between('crop.context', self.context, 1)
        _between('crop.smallest', self.smallest, 8)
        _between('crop.most_windows', self.most_windows, 1)
        if self.resolution < 0 or self.resolution % 64:
            raise UsageError(f'crop.resolution: {self.resolution} is no multiple of 64')


@dataclass(frozen=True)
class LabelSettings:
    """The label of an edit: ``copy``; ``ignore-ring``, changed but unlabelled pixels become 255; or ``propose``, a
    new mask from what changed by more than ``change`` (CIEDE2000) in parts of at least ``smallest`` pixels, to be
    reviewed."""

    mode: str = 'copy'
    change: float = 10.0
    smallest: int = 9

    def __post_init__(self) -> None:
        _one_of('labels.mode', self.mode, ('copy', 'ignore-ring', 'propose'))
        _between('labels.change', self.change, 0)
        _between('labels.smallest', self.smallest, 1)


@dataclass(frozen=True)
class GateSettings:
    """What an edit must keep to be used; starting values, not calibrated on real weights.

    ``mode``: ``enforce`` retries and then puts aside what fails, ``report`` only writes the scores, ``off``.
    """

    mode: str = 'enforce'
    recon_psnr: float = 25.0
    background_psnr: float = 35.0
    smallest_change: float = 0.01
    largest_change: float = 0.35
    largest_area: float = 0.5
    seam: float = 2.0
    survival: float = 0.3
    lpips: float | None = None
    clip: float | None = None

    def __post_init__(self) -> None:
        _one_of('gates.mode', self.mode, ('enforce', 'report', 'off'))


@dataclass(frozen=True)
class EditSettings:
    """All of the above, the prompts, the guidance scale, the number of DDIM steps and the seed."""

    source_prompt: str = 'photo of a crack'
    target_template: str = 'photo of a crack with {word}'
    guidance: float = 15.0
    steps: int = 50
    seed: int = 42
    rli: RLISettings = field(default_factory=RLISettings)
    inversion: InversionSettings = field(default_factory=InversionSettings)
    control: ControlSettings = field(default_factory=ControlSettings)
    blend: BlendSettings = field(default_factory=BlendSettings)
    crop: CropSettings = field(default_factory=CropSettings)
    labels: LabelSettings = field(default_factory=LabelSettings)
    gates: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        _between('guidance', self.guidance, 0)
        _between('steps', self.steps, 1, 1000)
        if '{word}' not in self.target_template:
            raise UsageError(f'target_template: {self.target_template!r} has no {{word}}')

    def target_prompt(self, word: str) -> str:
        """The prompt of an edit towards ``word``."""
        return self.target_template.format(word=word)
