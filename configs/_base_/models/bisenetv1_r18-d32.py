# BiSeNet (Yu et al. 2018, https://arxiv.org/abs/1808.00897): a shallow path for detail, a ResNet-18 for context.
# 13.4 M parameters with both auxiliary heads.
_base_ = './_segmentor.py'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='BiSeNetV1',
        in_channels=3,
        context_channels=(128, 256, 512),
        spatial_channels=(64, 64, 64, 128),
        out_indices=(0, 1, 2),
        out_channels=256,
        backbone_cfg=dict(
            type='ResNet',
            in_channels=3,
            depth=18,
            num_stages=4,
            out_indices=(0, 1, 2, 3),
            dilations=(1, 1, 1, 1),
            strides=(1, 2, 2, 2),
            norm_cfg=norm_cfg,
            norm_eval=False,
            style='pytorch',
            contract_dilation=True,
            # The plain ResNet-18: resnet18_v1c has another stem, which would stay untrained here.
            init_cfg=dict(
                type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth'
            ),
        ),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=256,
        in_index=0,
        channels=256,
        num_convs=1,
        concat_input=False,
        norm_cfg=norm_cfg,
    ),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=128,
            in_index=index,
            channels=64,
            num_convs=1,
            concat_input=False,
            norm_cfg=norm_cfg,
        )
        for index in (1, 2)
    ],
)
del norm_cfg
