# UNet++ (Zhou et al. 2018) of the blocks and widths of vgg_unet, without deep supervision: 9.16 M parameters.
_base_ = './vgg_unet.py'
model = dict(backbone=dict(type='NestedUNet'))
