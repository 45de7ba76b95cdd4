# GCNet (Cao et al. 2019, https://arxiv.org/abs/1904.11492): one attended summary of the image, added to every
# pixel. 49.6 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(
    decode_head=dict(type='GCHead', ratio=1 / 4, pooling_type='att', fusion_types=('channel_add',)),
)
