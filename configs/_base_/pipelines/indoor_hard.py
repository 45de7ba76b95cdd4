# indoor_base with colours, noise and sharpness changed, and three photographs of ten cut to a random window before
# they are resized. Of OneOf one part is taken, in proportion to its p: windows of 334, 384, 448 and 496 px have
# shares of .206, .235, .265 and .294.
#   * RandomBrightness is called RandomBrightnessContrast without contrast today.
#   * Noise had a variance of 0..25, drawn uniformly; today its standard deviation is, 0..5 of 255.
#   * What a turn opens is filled by reflection, image and mask alike, as was the rule of the library then.
#   * A photograph smaller than the window is padded; the padding is not scored.
_base_ = './indoor_base.py'
crops = [
    dict(type='RandomCrop', height=side, width=side, pad_if_needed=True, p=share)
    for side, share in ((334, 0.7), (384, 0.8), (448, 0.9), (496, 1.0))
]
turns = [dict(type='HorizontalFlip', p=0.5), dict(type='Rotate', limit=(-10, 10), border_mode=4, p=0.5)]
hard = [
    dict(type='OneOf', p=0.75, transforms=turns),
    dict(type='RandomBrightnessContrast', p=0.15),
    dict(type='RandomBrightnessContrast', contrast_limit=(0.0, 0.0), p=0.15),
    dict(type='HueSaturationValue', p=0.15),
    dict(type='RandomGamma', p=0.15),
    dict(type='GaussNoise', std_range=(0.0, 5 / 255), p=0.15),
    dict(type='Sharpen', p=0.15),
    dict(type='OneOf', p=0.3, transforms=crops),
]
load, resize, _, pack = _base_.train_pipeline
train_pipeline = [load, dict(type='Albumentation', transforms=hard), resize, pack]
del load, resize, pack, crops, turns, hard, _
