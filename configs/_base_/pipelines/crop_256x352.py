# crop_512 with crops of 256 x 352 px, wide as street scenes and rooms are, at .75 to 1.5 of the images' own scale.
_base_ = './crop_512.py'
crop_size = (256, 352)
train_pipeline = [
    dict(step, crop_size=crop_size, scale=(0.75, 1.5)) if step['type'] == 'DefectCrop' else step
    for step in _base_.train_pipeline
]
