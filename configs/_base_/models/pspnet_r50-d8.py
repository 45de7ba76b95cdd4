# PSPNet (Zhao et al. 2016, https://arxiv.org/abs/1612.01105): averages over regions of four sizes beside every
# pixel. 49.0 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(decode_head=dict(type='PSPHead', pool_scales=(1, 2, 3, 6)))
