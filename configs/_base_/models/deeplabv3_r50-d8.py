# DeepLabV3 (Chen et al. 2017, https://arxiv.org/abs/1706.05587): convolutions of four dilations side by side.
# 68.1 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(decode_head=dict(type='ASPPHead', dilations=(1, 12, 24, 36)))
