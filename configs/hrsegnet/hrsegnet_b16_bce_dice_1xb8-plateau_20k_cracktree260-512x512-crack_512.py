# HrSegNet-B16, one logit, binary cross-entropy + Dice, CrackTree260, crops of 512 px,
# 20k iterations at most, 1 GPU x 8 images.
#
#   python tools/train.py configs/hrsegnet/hrsegnet_b16_bce_dice_1xb8-plateau_20k_cracktree260-512x512-crack_512.py
#   ... --swap datasets=crack500 pipelines=crack_640
#   ... --swap losses=skeleton_recall_bce_dice        # cracks that hang together
_base_ = [
    '../_base_/models/hrsegnet_b16.py',
    '../_base_/datasets/cracktree260.py',
    '../_base_/pipelines/crack_512.py',
    '../_base_/losses/bce_dice.py',
    '../_base_/schedules/plateau_20k.py',
    '../_base_/default_runtime.py',
]
# The threshold of training and its validations; the best one of the last validation decides from then on.
logit = dict(num_classes=_base_.num_classes, out_channels=1, threshold=0.5)
head = dict(logit, loss_decode=_base_.loss_decode)
aux = dict(logit, loss_decode=_base_.aux_loss_decode)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=head,
    auxiliary_head=[dict(each, **aux) for each in _base_.model.auxiliary_head],
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del logit, head, aux
