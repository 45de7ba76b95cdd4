# Small crops, nine of ten on a defect, for networks from scratch that are trained in minutes: a defect fills more
# of a small crop, and a batch of the same price shows more of them. Flipped both ways; colours are changed less
# than in crop_512.
_base_ = './crop_512.py'
crop_size = (160, 160)
changed = dict(
    DefectCrop=dict(crop_size=crop_size, scale=(0.6, 1.4), prob=0.9),
    RandomFlip=dict(prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal']),
    TablePhotoMetricDistortion=dict(
        brightness_delta=16, contrast_range=(0.8, 1.2), saturation_range=(0.8, 1.2), hue_delta=9
    ),
)
train_pipeline = [dict(step, **changed.get(step['type'], {})) for step in _base_.train_pipeline]
del changed
