# Fast-SCNN (Poudel et al. 2019, https://arxiv.org/abs/1902.04502): 1.45 M parameters with both auxiliary heads.
_base_ = './_segmentor.py'
norm_cfg = dict(type='BN', requires_grad=True, momentum=0.01)
model = dict(
    cpu_channels_last=True,
    backbone=dict(
        type='FastSCNN',
        downsample_dw_channels=(32, 48),
        global_in_channels=64,
        global_block_channels=(64, 96, 128),
        global_block_strides=(2, 2, 1),
        global_out_channels=128,
        higher_in_channels=64,
        lower_in_channels=128,
        fusion_out_channels=128,
        out_indices=(0, 1, 2),
        norm_cfg=norm_cfg,
        align_corners=False,
    ),
    decode_head=dict(
        type='DepthwiseSeparableFCNHead',
        in_channels=128,
        channels=128,
        concat_input=False,
        in_index=-1,
        norm_cfg=norm_cfg,
        align_corners=False,
    ),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=channels,
            channels=32,
            num_convs=1,
            in_index=index,
            norm_cfg=norm_cfg,
            concat_input=False,
            align_corners=False,
        )
        for channels, index in ((128, -2), (64, -3))
    ],
)
del norm_cfg
