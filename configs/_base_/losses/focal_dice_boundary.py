# The mixed loss of the indoor recipe (focal_dice) + active boundary, which starts with the learning rate's warm-up
# over (adamw_40k), since the contours of the first predictions are noise.
loss_decode = [
    dict(type='FocalDiceLoss', alpha=10.0, focal_alpha=0.25, gamma=2.0, loss_weight=1.0),
    dict(type='ActiveBoundaryLoss', start_iter=1500, loss_weight=1.0),
]
# Auxiliary heads sit on coarse features, whose enlarged contours are smooth blobs.
aux_loss_decode = dict(loss_decode[0], loss_weight=0.4)
