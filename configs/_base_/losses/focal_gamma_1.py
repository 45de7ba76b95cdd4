# focal with a gamma of 1.
_base_ = './focal.py'
loss_decode = dict(gamma=1.0)
aux_loss_decode = dict(gamma=1.0)
