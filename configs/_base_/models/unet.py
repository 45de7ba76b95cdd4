# U-Net of VGG blocks, 32 to 512 channels, as crack segmentation compares it: 7.85 M parameters. One mean and one
# deviation for all colours, .535 and .135 of the full range; images of a min_max pipeline end up in -3.96..3.44.
_base_ = './_segmentor.py'
model = dict(
    cpu_channels_last=True,
    data_preprocessor=dict(mean=[136.425] * 3, std=[34.425] * 3),
    backbone=dict(type='VGGUNet', base_channels=32),
    decode_head=dict(
        type='FCNHead',
        in_channels=32,
        channels=32,
        in_index=-1,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        align_corners=False,
    ),
)
