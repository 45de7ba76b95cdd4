# dice_ce + recall on the skeletons of the lines in equal parts: the sum of the published method, for a softmax
# over any number of classes.
loss_decode = [
    dict(type='SoftDiceLoss', per_image=False, loss_weight=1.0),
    dict(type='MaskedCrossEntropyLoss', class_weight=None, label_smoothing=0.0, loss_weight=1.0),
    dict(type='SkeletonRecallLoss', radius=2, loss_weight=1.0),
]
# Auxiliary heads sit on coarse features, which a line of a few pixels does not survive.
aux_loss_decode = [dict(loss, loss_weight=0.4) for loss in loss_decode[:2]]
