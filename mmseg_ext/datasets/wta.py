"""WTA blade defects: ``attached`` matter and ``broken`` surface.

    <root>/img_dir/{train,val,test}/…
    <root>/ann_dir/{train,val,test}/*.png    0 background, 1 attached, 2 broken

Strongly imbalanced: in the published set 99.77 / 0.20 / 0.03 % of the pixels. Its source called class 0 "defect",
although it is the background. The pictures are not public: data/README.md says what is known of them. The rendered
demonstration set has the same classes.
"""

from mmseg.registry import DATASETS

from mmseg_ext.datasets.checked import CheckedSegDataset


@DATASETS.register_module()
class WTADataset(CheckedSegDataset):
    """Three classes. ``reduce_zero_label`` stays False: class 0 is the background and takes part in training."""

    METAINFO = {
        'classes': ('background', 'attached', 'broken'),
        'palette': [[0, 0, 0], [255, 0, 0], [0, 255, 0]],
    }
