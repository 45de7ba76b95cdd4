# crack_512 with whole images resized to 512 x 512 px in place of crops, in testing too; predictions come back
# at the image's size. A line of one pixel loses pixels where its mask shrinks.
_base_ = './crack_512.py'
resize = dict(type='Resize', scale=(512, 512), keep_ratio=False)
train_pipeline = [resize if step['type'] == 'DefectCrop' else step for step in _base_.train_pipeline]
test_pipeline = [_base_.test_pipeline[0], resize, *_base_.test_pipeline[1:]]
del resize
