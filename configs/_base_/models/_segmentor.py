# What all models share: the segmentor, the colours of ImageNet, prediction on whole images (padded to what strides
# divide). The file of a model states the rest; the recipe adds classes, losses and crop size. Auxiliary heads are
# always a list, so that one line of wiring fits none, one and several.
model = dict(
    type='LeanEncoderDecoder',
    data_preprocessor=dict(
        type='BatchDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_val=0,
        seg_pad_val=255,
        test_cfg=dict(size_divisor=32),
    ),
    auxiliary_head=[],
    train_cfg=dict(),
    test_cfg=dict(mode='whole'),
)
