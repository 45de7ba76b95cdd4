# Binary cross-entropy, the mean over the pixels that are not ignored: the baseline of the crack tables. Made for
# heads of one logit (out_channels=1), and fits any number of channels.
loss_decode = dict(type='BinaryCrossEntropyLoss', loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
