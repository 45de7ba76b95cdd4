# defect_160 with all that is usually done to few photographs without a generative model: defects pasted from the
# others, brightness and gamma, noise and sharpness.
_base_ = './defect_160.py'
harder = [
    dict(type='RandomBrightnessContrast', p=0.3),
    dict(type='RandomGamma', p=0.3),
    dict(type='GaussNoise', std_range=(0.0, 5 / 255), p=0.3),
    dict(type='Sharpen', p=0.15),
]
load, *others, pack = _base_.train_pipeline
train_pipeline = [
    load,
    dict(type='ClassCopyPaste', prob=0.5, blend='feather'),
    *others,
    dict(type='Albumentation', transforms=harder),
    pack,
]
del harder, load, others, pack
