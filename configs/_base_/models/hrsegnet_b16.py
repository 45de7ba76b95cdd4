# HrSegNet-B16 (Li et al. 2023, https://arxiv.org/abs/2307.00270): a quarter of the image's size throughout, 0.61 M
# parameters. Images in -1..1 as its authors feed them; they weigh the two auxiliary heads .5, the bases here .4.
_base_ = './_segmentor.py'
head = dict(type='HrSegHead', in_channels=16, channels=16, dropout_ratio=0.0, align_corners=True)
model = dict(
    cpu_channels_last=True,
    data_preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3),
    backbone=dict(type='HrSegNet', base_channels=16),
    decode_head=dict(head, in_index=2),
    auxiliary_head=[dict(head, in_index=index, double=False) for index in (0, 1)],
)
del head
