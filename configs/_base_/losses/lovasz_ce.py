# Lovász-softmax + cross-entropy: the Jaccard index itself, and pixels to lead there.
loss_decode = [
    dict(type='LovaszSoftmaxLoss', loss_weight=1.0),
    dict(type='MaskedCrossEntropyLoss', class_weight=None, label_smoothing=0.0, loss_weight=1.0),
]
aux_loss_decode = [dict(loss, loss_weight=0.4) for loss in loss_decode]
