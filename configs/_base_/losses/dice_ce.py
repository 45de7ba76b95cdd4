# Dice + cross-entropy: regions, with every class alike, and pixels, which also push back on absent classes.
loss_decode = [
    dict(type='SoftDiceLoss', per_image=False, loss_weight=1.0),
    dict(type='MaskedCrossEntropyLoss', class_weight=None, label_smoothing=0.0, loss_weight=1.0),
]
aux_loss_decode = [dict(loss, loss_weight=0.4) for loss in loss_decode]
