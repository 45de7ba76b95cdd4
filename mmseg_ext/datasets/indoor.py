"""Indoor damage of the UNI-DTHON 2023 data track: ten classes, of which two are rare (5 and 6).

    <root>/img_dir/{train,val,test}/*.jpg    <root>/ann_dir/{train,val,test}/*.png    0..9

The organisers' class list is not public and none is invented here: the names are c0..c9 until a config gives
others,

    dict(type='IndoorDataset', metainfo=dict(classes=('wall', …)), …)

which renames the ten in the order of the mask values. The pictures are not public, and no licence is stated.
"""

from mmseg.registry import DATASETS

from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.datasets.palette import default_palette


@DATASETS.register_module()
class IndoorDataset(CheckedSegDataset):
    """Ten classes without official names."""

    METAINFO = {'classes': tuple(f'c{index}' for index in range(10)), 'palette': default_palette(10)}
