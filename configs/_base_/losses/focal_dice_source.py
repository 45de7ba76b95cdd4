# The mixed loss as the indoor recipe first had it, to compare with: focal of the mean cross-entropy of the batch,
# and Dice of all classes laid end to end, which the background decides. To find rare classes, take focal_dice.
_base_ = './focal_dice.py'
loss_decode = dict(variant='source')
aux_loss_decode = dict(variant='source')
