# APCNet (He et al. 2019, "Adaptive Pyramid Context Network for Semantic Segmentation", CVPR): regions of four
# sizes, weighed by how much they resemble the pixel. 56.3 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(decode_head=dict(type='APCHead', pool_scales=(1, 2, 3, 6)))
