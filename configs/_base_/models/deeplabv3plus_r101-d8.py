# DeepLabV3+ on ResNet-101 with the stem of three 3x3 convolutions, features at an eighth of the image's side.
# 62.6 M parameters with the auxiliary head.
_base_ = './deeplabv3plus_r50-d8.py'
model = dict(backbone=dict(depth=101, init_cfg=dict(checkpoint='open-mmlab://resnet101_v1c')))
