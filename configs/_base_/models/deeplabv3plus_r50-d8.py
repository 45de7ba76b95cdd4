# DeepLabV3+ (Chen et al. 2018, https://arxiv.org/abs/1802.02611): DeepLabV3 of separable convolutions, with the
# fine features of the first stage for sharp outlines. 43.6 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(
    decode_head=dict(
        type='DepthwiseSeparableASPPHead', dilations=(1, 12, 24, 36), c1_in_channels=256, c1_channels=48
    )
)
