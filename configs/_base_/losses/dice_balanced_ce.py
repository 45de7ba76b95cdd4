# Dice + cross-entropy that begins with all classes alike and ends with them nearly as frequent as they are: for
# networks from scratch, which a plain cross-entropy keeps on "background" for thousands of iterations. Fits any
# set.
loss_decode = [
    dict(type='SoftDiceLoss', per_image=False, loss_weight=1.0),
    dict(type='BalancedCrossEntropyLoss', power=1.0, final_power=0.25, loss_weight=1.0),
]
aux_loss_decode = [dict(loss, loss_weight=0.4) for loss in loss_decode]
