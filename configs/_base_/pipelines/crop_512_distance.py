# crop_512, and distances to the contours for KervadecBoundaryLoss, measured by the workers.
_base_ = './crop_512.py'
train_pipeline = [*_base_.train_pipeline, dict(type='SignedDistance')]
