# Focal loss of sigmoids with the values of Lin et al. 2017: alpha 0.25 is the share of the defect's pixels and
# 0.75 that of the background's. Made for heads of one logit (out_channels=1), and fits any number of channels.
loss_decode = dict(type='SigmoidFocalLoss', alpha=0.25, gamma=2.0, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
