# unet with additive attention gates in its skips (Oktay et al. 2018): 7.98 M parameters.
_base_ = './unet.py'
model = dict(backbone=dict(type='AttentionUNet'))
