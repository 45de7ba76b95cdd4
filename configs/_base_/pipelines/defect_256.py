# Crops of 256 px, nine of ten placed so that they hold a defect, for runs too short to meet one by chance;
# validation and test on whole images, unscaled.
_base_ = './crop_256.py'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='DefectCrop', crop_size=(256, 256), scale=(0.75, 2.0), prob=0.9),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
