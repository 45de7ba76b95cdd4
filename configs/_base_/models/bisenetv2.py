# BiSeNetV2 (Yu et al. 2020, https://arxiv.org/abs/2004.02147): a wide shallow branch for detail, a narrow deep one
# for context, from scratch. 14.8 M parameters, 11.4 M of them in the four auxiliary heads, which predicting skips.
_base_ = './_segmentor.py'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        type='BiSeNetV2',
        detail_channels=(64, 64, 128),
        semantic_channels=(16, 32, 64, 128),
        semantic_expansion_ratio=6,
        bga_channels=128,
        out_indices=(0, 1, 2, 3, 4),
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=128,
        in_index=0,
        channels=1024,
        num_convs=1,
        concat_input=False,
        norm_cfg=norm_cfg,
    ),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=in_channels,
            in_index=index,
            channels=channels,
            num_convs=2,
            concat_input=False,
            norm_cfg=norm_cfg,
        )
        for index, in_channels, channels in ((1, 16, 16), (2, 32, 64), (3, 64, 256), (4, 128, 1024))
    ],
)
del norm_cfg
