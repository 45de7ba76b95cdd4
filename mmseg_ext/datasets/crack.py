"""Cracks in asphalt, concrete and stone: one class, lines of one to a few pixels.

    <root>/img_dir/{train,val,test}/…    <root>/ann_dir/{train,val,test}/…    0 background, 1 crack

Serves CrackTree260, CRKWH100, CrackLS315 and Stone331 (https://github.com/qinnzou/DeepCrack, academic research),
CRACK500 (https://github.com/fyangneil/pavement-crack-detection, no explicit licence) and CrackForest
(https://github.com/cuilimeng/CrackForest-dataset, non-commercial research). The first four and CRACK500 come with
0/255 masks, which the check reports; tools/prepare_dataset.py writes 0/1.
"""

from mmseg.registry import DATASETS

from mmseg_ext.datasets.checked import CheckedSegDataset


@DATASETS.register_module()
class CrackDataset(CheckedSegDataset):
    """Two classes. Images and masks may differ in suffix, as .jpg beside .bmp.

    ``curves`` names the classes that are lines, whose length and width say more than their area.
    """

    METAINFO = {'classes': ('background', 'crack'), 'palette': [[0, 0, 0], [255, 0, 0]], 'curves': ('crack',)}
