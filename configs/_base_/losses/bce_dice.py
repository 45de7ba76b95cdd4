# Binary cross-entropy x 0.5 + Dice per image, of sigmoids: the crack recipe. Made for heads of one logit
# (out_channels=1), and fits any number of channels.
loss_decode = dict(type='BCEDiceLoss', bce_weight=0.5, smooth=1e-5, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
