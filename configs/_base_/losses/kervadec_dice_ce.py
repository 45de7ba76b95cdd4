# dice_ce + Kervadec's boundary loss, which looks at how far a false pixel is off: from a hundredth on, a hundredth
# more every thousand iterations (its authors: every epoch). With pipelines=crop_512_distance the workers measure
# the distances; otherwise the loss does, between two steps of the network.
loss_decode = [
    dict(type='SoftDiceLoss', per_image=False, loss_weight=1.0),
    dict(type='MaskedCrossEntropyLoss', class_weight=None, label_smoothing=0.0, loss_weight=1.0),
    dict(type='KervadecBoundaryLoss', rise=0.01, rise_every=1000, max_weight=1.0, loss_weight=0.01),
]
# Auxiliary heads sit on coarse features, whose contours are smooth blobs.
aux_loss_decode = [dict(loss, loss_weight=0.4) for loss in loss_decode[:2]]
