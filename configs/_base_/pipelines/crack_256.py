# crack_512 with crops of 256 px.
_base_ = './crack_512.py'
crop_size = (256, 256)
train_pipeline = [
    dict(step, crop_size=crop_size) if step['type'] == 'DefectCrop' else step for step in _base_.train_pipeline
]
