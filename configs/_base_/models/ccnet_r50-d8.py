# CCNet (Huang et al. 2018, https://arxiv.org/abs/1811.11721): every pixel attends to its row and column, twice,
# and so to all pixels. 49.8 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(decode_head=dict(type='CrissCrossHead', recurrence=2))
