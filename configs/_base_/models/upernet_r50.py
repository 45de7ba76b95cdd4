# UPerNet (Xiao et al. 2018, https://arxiv.org/abs/1807.10221): a feature pyramid over a backbone that is not
# dilated, with pooled regions on top. 66.4 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(
    backbone=dict(dilations=(1, 1, 1, 1), strides=(1, 2, 2, 2)),
    decode_head=dict(
        type='UPerHead', in_channels=[256, 512, 1024, 2048], in_index=[0, 1, 2, 3], pool_scales=(1, 2, 3, 6)
    ),
)
