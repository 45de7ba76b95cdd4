# 10 x focal - log(mean Dice): the mixed loss of the indoor recipe.
loss_decode = dict(type='FocalDiceLoss', alpha=10.0, focal_alpha=0.25, gamma=2.0, loss_weight=1.0)
aux_loss_decode = dict(loss_decode, loss_weight=0.4)
