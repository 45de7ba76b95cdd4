# BEiT-Base (Bao et al. 2021, https://arxiv.org/abs/2106.08254) pretrained on ImageNet-22k, UPerNet. 162.5 M
# parameters with the auxiliary head. It only takes images of the crop size: larger ones are predicted in windows.
_base_ = './_vit_base.py'
model = dict(
    backbone=dict(
        type='ResizableBEiT',
        out_indices=(3, 5, 7, 11),
        qv_bias=True,
        init_values=0.1,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='https://github.com/addf400/files/releases/download/v1.0/'
            'beit_base_patch16_224_pt22k_ft22k.pth',
        ),
    ),
    neck=dict(type='Feature2Pyramid', embed_dim=768, rescales=[4, 2, 1, 0.5]),
    decode_head=dict(channels=768),
    auxiliary_head=[dict(head, in_index=2) for head in _base_.model.auxiliary_head],
)
