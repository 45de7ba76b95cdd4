# FastFCN (Wu et al. 2019, https://arxiv.org/abs/1903.11816): PSPNet on features of a 32nd of the side, which joint
# pyramid upsampling (JPU) brings back to an eighth. 68.7 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 2), out_indices=(1, 2, 3)),
    neck=dict(
        type='JPU',
        in_channels=(512, 1024, 2048),
        mid_channels=512,
        start_level=0,
        end_level=-1,
        dilations=(1, 2, 4, 8),
        norm_cfg=_base_.model.backbone.norm_cfg,
    ),
    decode_head=dict(type='PSPHead', in_index=2, pool_scales=(1, 2, 3, 6)),
    auxiliary_head=[dict(head, in_index=1) for head in _base_.model.auxiliary_head],
)
