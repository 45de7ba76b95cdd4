# Tversky loss alone, to compare with: a miss costs 0.7 / 0.3 times a false alarm. Overlap hardly pushes back on a
# class that an image lacks; to train for use, take focal_tversky.
loss_decode = dict(type='SoftTverskyLoss', alpha=0.3, beta=0.7, gamma=1.0, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
