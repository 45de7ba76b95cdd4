"""The colours in which a model tells its network what to segment."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mmseg_ext.errors import UsageError
from mmseg_ext.functional.colour_code import BLACK, Colour, check_palette, random_palette, spread_palette


@dataclass(frozen=True)
class Colours:
    """Random palettes for training, and the fixed one of prediction.

    Args:
        num_classes: of the data set, the background included.
        background: RGB in 0..255 of class 0; None draws it too, and predicts with black.
        min_distance: at least so far (L2) are the colours of a random palette from each other.
        fixed: colours of all classes, in training as in prediction; True for those that lie far apart.

    UsageError for colours that cannot be told apart or do not exist.
    """

    num_classes: int
    background: Colour | None = BLACK
    min_distance: float = 100.0
    fixed: bool | Sequence[Colour] = False

    def __post_init__(self) -> None:
        try:
            check_palette(self.standing(), self.num_classes)
            self.draw(1, torch.Generator().manual_seed(0))
        except (ValueError, TypeError) as error:
            raise UsageError(f'SegGPTSegmentor: {error}') from error

    def standing(self) -> Tensor:
        """The palette (C, 3) of prediction."""
        if not isinstance(self.fixed, bool):
            return torch.tensor([tuple(colour) for colour in self.fixed], dtype=torch.float32)
        return spread_palette(self.num_classes, BLACK if self.background is None else self.background)

    def draw(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Palettes (count, C, 3) of a training batch, one a sample."""
        if self.fixed:
            return self.standing().expand(count, -1, -1)
        arguments = (self.num_classes, generator, self.background, self.min_distance)
        return torch.stack([random_palette(*arguments) for _ in range(count)])
