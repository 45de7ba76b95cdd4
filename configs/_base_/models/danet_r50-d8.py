# DANet (Fu et al. 2018, https://arxiv.org/abs/1809.02983): attention between all pixels and between all channels;
# each of the two, and their sum, is trained with the recipe's loss. 49.8 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(decode_head=dict(type='DAHead', pam_channels=64))
