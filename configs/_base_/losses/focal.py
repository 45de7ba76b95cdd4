# Softmax focal loss for the three classes of the WTA sets (background 99.77 %, attached 0.20 %, broken 0.03 % of
# the pixels): a list of alpha fits three classes only. For any other count: focal_any.
loss_decode = dict(type='SoftmaxFocalLoss', alpha=[0.1, 0.3, 0.6], gamma=2.0, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
