# MobileNetV3-Large with Lite R-ASPP (Howard et al. 2019, https://arxiv.org/abs/1905.02244): 3.3 M parameters, no
# auxiliary head. Its attention averages windows of 49 x 49 features, an eighth of the image's side, so images are
# padded to 392 px and smaller crops are refused.
_base_ = './_segmentor.py'
smallest_crop = (392, 392)
norm_cfg = dict(type='BN', eps=0.001, requires_grad=True)
model = dict(
    data_preprocessor=dict(test_cfg=dict(_delete_=True, size=smallest_crop)),
    backbone=dict(
        type='MobileNetV3',
        arch='large',
        out_indices=(1, 3, 16),
        norm_cfg=norm_cfg,
        init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://contrib/mobilenet_v3_large'),
    ),
    decode_head=dict(
        type='LRASPPHead',
        in_channels=(16, 24, 960),
        in_index=(0, 1, 2),
        channels=128,
        input_transform='multiple_select',
        norm_cfg=norm_cfg,
        act_cfg=dict(type='ReLU'),
    ),
)
del norm_cfg
