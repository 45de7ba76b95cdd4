# ViT-Base as trained by DeiT (Touvron et al. 2020, https://arxiv.org/abs/2012.12877), four feature levels made by
# a neck, UPerNet. 144.1 M parameters with the auxiliary head.
_base_ = './_vit_base.py'
model = dict(
    backbone=dict(
        type='VisionTransformer',
        out_indices=(2, 5, 8, 11),
        interpolate_mode='bicubic',
        patch_bias=True,  # mmseg leaves it out by default, and with it a part of the pretrained weights
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://dl.fbaipublicfiles.com/deit/deit_base_patch16_224-b5f2ef4d.pth',
        ),
    ),
    neck=dict(type='MultiLevelNeck', in_channels=[768, 768, 768, 768], out_channels=768, scales=[4, 2, 1, 0.5]),
    decode_head=dict(channels=512),
)
