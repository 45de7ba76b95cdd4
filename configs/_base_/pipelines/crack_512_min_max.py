# crack_512 on images stretched to the full range of grey, each by its own darkest and brightest value, in
# testing too.
_base_ = './crack_512.py'
stretch = dict(type='MinMaxImage')
train_pipeline, test_pipeline = (
    [steps[0], stretch, *steps[1:]] for steps in (_base_.train_pipeline, _base_.test_pipeline)
)
del stretch
