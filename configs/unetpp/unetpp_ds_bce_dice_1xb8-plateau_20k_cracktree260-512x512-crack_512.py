# UNet++ with deep supervision, one logit, binary cross-entropy + Dice, CrackTree260, crops of 512 px,
# 20k iterations at most, 1 GPU x 8 images.
#
#   python tools/train.py configs/unetpp/unetpp_ds_bce_dice_1xb8-plateau_20k_cracktree260-512x512-crack_512.py
#   ... --swap datasets=crack500 pipelines=crack_640
#   ... --swap losses=dice_ce --cfg-options model.decode_head.out_channels=2        # softmax over both classes
_base_ = [
    '../_base_/models/unetpp_ds.py',
    '../_base_/datasets/cracktree260.py',
    '../_base_/pipelines/crack_512.py',
    '../_base_/losses/bce_dice.py',
    '../_base_/schedules/plateau_20k.py',
    '../_base_/default_runtime.py',
]
# The threshold of training and its validations; the best one of the last validation decides from then on.
head = dict(num_classes=_base_.num_classes, out_channels=1, threshold=0.5, loss_decode=_base_.loss_decode)
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=head)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head
