# What the two transformers share: the sizes of ViT-Base (Dosovitskiy et al. 2020,
# https://arxiv.org/abs/2010.11929) and UPerNet over the outputs of four of its layers.
_base_ = './_segmentor.py'
norm_cfg = dict(type='BN', requires_grad=True)
model = dict(
    backbone=dict(
        patch_size=16,
        in_channels=3,
        embed_dims=768,
        num_layers=12,
        num_heads=12,
        mlp_ratio=4,
        drop_path_rate=0.1,
        norm_cfg=dict(type='LN', eps=1e-6),
        act_cfg=dict(type='GELU'),
    ),
    decode_head=dict(
        type='UPerHead',
        in_channels=[768, 768, 768, 768],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        norm_cfg=norm_cfg,
    ),
    auxiliary_head=[
        dict(
            type='FCNHead',
            in_channels=768,
            in_index=3,
            channels=256,
            num_convs=1,
            concat_input=False,
            norm_cfg=norm_cfg,
        )
    ],
)
del norm_cfg
