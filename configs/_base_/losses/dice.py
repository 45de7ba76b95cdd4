# Dice loss alone, to compare with. Overlap hardly pushes back on a class that an image lacks; to train for use,
# take dice_ce.
loss_decode = dict(type='SoftDiceLoss', per_image=False, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
