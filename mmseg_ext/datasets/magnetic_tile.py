"""Surface defects of magnetic tiles (data of the paper "Saliency of magnetic tile surface defects").

    <root>/img_dir/{train,val,test}/*.jpg    <root>/ann_dir/{train,val,test}/*.png    0 background, 1..5 defects

Source: https://github.com/abin24/Magnetic-tile-defect-datasets. No licence file; its README welcomes use with a
citation. The pictures are grey, each of its own size. Its masks are grey with soft edges; one tile was
photographed up to six times, so a split must go by tile: tools/prepare_dataset.py does both.
"""

from mmseg.registry import DATASETS

from mmseg_ext.datasets.checked import CheckedSegDataset


@DATASETS.register_module()
class MagneticTileDataset(CheckedSegDataset):
    """Six classes; the rarest, blowhole, is 0.02 % of the pixels."""

    METAINFO = {
        'classes': ('background', 'blowhole', 'break', 'crack', 'fray', 'uneven'),
        'palette': [[0, 0, 0], [220, 20, 60], [0, 170, 0], [30, 90, 255], [255, 210, 0], [200, 0, 200]],
    }
