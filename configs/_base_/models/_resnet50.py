# ResNet-50 (He et al. 2015, https://arxiv.org/abs/1512.03385) with the stem of three 3x3 convolutions and dilated
# last stages, so that features keep an eighth of the image's side, and an auxiliary head on the third stage.
_base_ = './_segmentor.py'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='ResNetV1c',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        norm_cfg=norm_cfg,
        norm_eval=False,
        style='pytorch',
        contract_dilation=True,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c'),
    ),
    decode_head=dict(in_channels=2048, in_index=3, channels=512, norm_cfg=norm_cfg),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=1024,
            in_index=2,
            channels=256,
            num_convs=1,
            concat_input=False,
            norm_cfg=norm_cfg,
        )
    ],
)
del norm_cfg
