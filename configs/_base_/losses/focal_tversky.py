# The sum of focal and tversky: the one judges pixels, the other regions. For other than three classes add
# --cfg-options model.decode_head.loss_decode.0.alpha=None (and the same for the auxiliary heads).
loss_decode = [
    dict(type='SoftmaxFocalLoss', alpha=[0.1, 0.3, 0.6], gamma=2.0, loss_weight=1.0),
    dict(type='SoftTverskyLoss', alpha=0.3, beta=0.7, gamma=1.0, loss_weight=1.0),
]
aux_loss_decode = [dict(loss, loss_weight=0.4) for loss in loss_decode]
