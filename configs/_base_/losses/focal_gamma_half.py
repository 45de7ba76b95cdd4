# focal with a gamma of 0.5: nearly a weighted cross-entropy.
_base_ = './focal.py'
loss_decode = dict(gamma=0.5)
aux_loss_decode = dict(gamma=0.5)
