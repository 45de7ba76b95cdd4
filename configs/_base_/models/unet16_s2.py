# U-Net (Ronneberger, Fischer & Brox 2015, https://arxiv.org/abs/1505.04597), made for a CPU: 16 channels that
# double at each of four halvings, one convolution a stage, and a stem of stride 2, so that nothing is computed at
# full size. Every image is standardised first, since exposures differ. 0.83 M parameters.
_base_ = './_segmentor.py'
norm_cfg = dict(type='BN', requires_grad=True, momentum=0.1)
model = dict(
    cpu_channels_last=True,
    backbone=dict(
        type='StandardizedUNet',
        base_channels=16,
        num_stages=5,
        strides=(2, 1, 1, 1, 1),
        enc_num_convs=(1, 1, 1, 1, 1),
        dec_num_convs=(1, 1, 1, 1),
        downsamples=(True, True, True, True),
        norm_cfg=norm_cfg,
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=16,
        channels=16,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        in_index=-1,
        norm_cfg=norm_cfg,
        align_corners=False,
    ),
)
del norm_cfg
