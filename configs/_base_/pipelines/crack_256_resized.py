# crack_512_resized at 256 x 256 px.
_base_ = './crack_512_resized.py'
crop_size = (256, 256)
train_pipeline, test_pipeline = (
    [dict(step, scale=crop_size) if step['type'] == 'Resize' else step for step in steps]
    for steps in (_base_.train_pipeline, _base_.test_pipeline)
)
