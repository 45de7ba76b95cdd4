# Softmax focal loss for any number of classes: background against defects as in focal (0.45 is the mean of its
# 0.3 and 0.6), no defect before another. What --swap datasets=crackforest or =magnetic_tile wants beside it.
loss_decode = dict(type='SoftmaxFocalLoss', alpha=dict(background=0.1, defect=0.45), gamma=2.0, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
