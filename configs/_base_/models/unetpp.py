# UNet++ (Zhou et al. 2018) of the blocks and widths of unet, without deep supervision: 9.16 M parameters.
_base_ = './unet.py'
model = dict(backbone=dict(type='NestedUNet'))
