# For models that are shown a prompt: crops of 448 px, the side of SegGPT's squares, at .4 to 2 of the images' own
# scale, so that neither whole images nor tiles of them meet the network at a scale it has not seen. Prompt and
# query are drawn independently. Small images are padded, as one batch needs one size; padding is not scored (255).
# The network resizes what it is tested on to its own side, hence no crop there.
_base_ = './crop_512.py'
crop_size = (448, 448)
crop = dict(type='DefectCrop', crop_size=crop_size, scale=(0.4, 2.0), prob=0.9)
pad = dict(type='Pad', size=crop_size[::-1], pad_val=dict(img=(104, 116, 124), seg=255))  # ImageNet's mean, BGR
flip = dict(type='RandomFlip', prob=[0.25, 0.25, 0.25], direction=['horizontal', 'vertical', 'diagonal'])
colour = dict(
    type='TablePhotoMetricDistortion',
    brightness_delta=16,
    contrast_range=(0.8, 1.2),
    saturation_range=(0.8, 1.2),
    hue_delta=9,
)
train_pipeline = [_base_.train_pipeline[0], crop, pad, flip, colour, dict(type='PackSegInputs')]
del crop, pad, flip, colour
