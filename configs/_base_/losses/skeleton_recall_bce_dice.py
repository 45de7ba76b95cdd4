# bce_dice + recall on the skeletons of the cracks, which a gap costs more than its few pixels. Made for heads of
# one logit (out_channels=1), and fits any number of channels.
loss_decode = [
    dict(type='BCEDiceLoss', bce_weight=0.5, smooth=1e-5, loss_weight=1.0),
    dict(type='SkeletonRecallLoss', radius=2, loss_weight=1.0),
]
# Auxiliary heads sit on coarse features, which a line of a few pixels does not survive.
aux_loss_decode = dict(loss_decode[0], loss_weight=0.4)
