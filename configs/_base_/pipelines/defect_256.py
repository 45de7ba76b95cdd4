# crop_256 for runs too short to meet a defect by chance: nine of ten crops are placed so that they hold one.
_base_ = './crop_256.py'
train_pipeline = [
    dict(step, scale=(0.75, 2.0), prob=0.9) if step['type'] == 'DefectCrop' else step
    for step in _base_.train_pipeline
]
