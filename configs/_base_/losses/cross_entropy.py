# Cross-entropy, the mean over the pixels that are not ignored: the baseline of every table.
loss_decode = dict(type='MaskedCrossEntropyLoss', class_weight=None, label_smoothing=0.0, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
