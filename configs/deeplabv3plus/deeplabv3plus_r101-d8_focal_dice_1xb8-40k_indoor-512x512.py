# DeepLabV3+ on ResNet-101, 10 x focal - log(mean Dice), indoor damage, crops of 512 px,
# 40k iterations, 1 GPU x 8 images.
#
#   python tools/train.py configs/deeplabv3plus/deeplabv3plus_r101-d8_focal_dice_1xb8-40k_indoor-512x512.py
#   ... --swap losses=boundary_ce pipelines=indoor_hard schedules=adamw_step_indoor
_base_ = [
    '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/indoor.py',
    '../_base_/pipelines/crop_512.py',
    '../_base_/losses/focal_dice.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode)
aux = dict(num_classes=_base_.num_classes, loss_decode=_base_.aux_loss_decode)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    decode_head=head,
    auxiliary_head=[dict(each, **aux) for each in _base_.model.auxiliary_head],
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head, aux
