# crack_512 with crops of 640 px, into which the regions of CRACK500 (640 x 360, 360 x 640, 648 x 484) fit but for
# eight columns: they are padded, and what is padded is ignored. In testing whole images are padded to multiples of
# 32, and the padding is cut off again.
_base_ = './crack_512.py'
crop_size = (640, 640)
train_pipeline = [
    dict(step, crop_size=crop_size) if step['type'] == 'DefectCrop' else step for step in _base_.train_pipeline
]
