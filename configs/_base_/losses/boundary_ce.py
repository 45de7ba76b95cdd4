# Cross-entropy + Lovász-softmax + active boundary, in equal parts: the sum of the published method, which its
# authors found best of all mixtures; the boundary term alone ends in NaN. It starts with the learning rate's
# warm-up over (adamw_40k), since the contours of the first predictions are noise.
loss_decode = [
    dict(type='MaskedCrossEntropyLoss', class_weight=None, label_smoothing=0.0, loss_weight=1.0),
    dict(type='LovaszSoftmaxLoss', loss_weight=1.0),
    dict(type='ActiveBoundaryLoss', start_iter=1500, loss_weight=1.0),
]
# Auxiliary heads sit on coarse features, whose enlarged contours are smooth blobs: plain cross-entropy is what
# they can give, and it saves a distance map per head and step.
aux_loss_decode = dict(loss_decode[0], loss_weight=0.4)
