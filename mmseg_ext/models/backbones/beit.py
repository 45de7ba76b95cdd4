"""BEiT whose pretrained weights fit any crop; upstream's resizing needs a function that SciPy has removed."""

from typing import Any

import torch
from mmseg.models.backbones import BEiT
from mmseg.registry import MODELS

from mmseg_ext.functional.relative_position import resize_bias_table

TABLE = 'relative_position_bias_table'
EXTRA = 3  # biases of class token to patches, of patches to class token, of the class token to itself


@MODELS.register_module()
class ResizableBEiT(BEiT):
    """mmseg's BEiT for crops of any size, square or not, that its patches divide."""

    def resize_rel_pos_embed(self, checkpoint: dict[str, Any]) -> dict[str, torch.Tensor]:
        """The weights of ``checkpoint`` with their relative-position biases at this network's window size."""
        weights = dict(checkpoint.get('state_dict', checkpoint))
        for name in list(weights):
            if 'relative_position_index' in name:
                del weights[name]
            elif TABLE in name and len(weights[name]) != len(self.state_dict()[name]):
                weights[name] = self._resized(weights[name])
        return weights

    def _resized(self, table: torch.Tensor) -> torch.Tensor:
        side = round((len(table) - EXTRA) ** 0.5)
        height, width = (2 * patches - 1 for patches in self.patch_shape)
        grid = table[:-EXTRA].reshape(side, side, -1).double().numpy()
        resized = torch.from_numpy(resize_bias_table(grid, (height, width))).to(table)
        return torch.cat([resized.flatten(0, 1), table[-EXTRA:]])
