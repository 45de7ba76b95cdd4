# crack_512 on images whose contrast is evened out first (CLAHE on the lightness, clip limit 2, 8 x 8 tiles), in
# testing too.
_base_ = './crack_512.py'
clahe = dict(type='CLAHE', clip_limit=(2.0, 2.0), tile_grid_size=(8, 8), p=1.0)
even = dict(type='Albumentation', transforms=[clahe])
train_pipeline, test_pipeline = (
    [steps[0], even, *steps[1:]] for steps in (_base_.train_pipeline, _base_.test_pipeline)
)
del clahe, even
