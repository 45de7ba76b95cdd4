# The indoor recipe to the letter of where it comes from: DeepLabV3+ on ResNet-101 of segmentation_models_pytorch,
# mixed loss, strong augmentation, 25 epochs, a step from every four batches of 13. Needs pip install -e '.[smp]'.
# To compare with; smp_deeplabv3plus_r101_focal_dice_1xb8 finds rare classes.
#
#   python tools/train.py \
#       configs/smp/smp_deeplabv3plus_r101_focal_dice_source_1xb13-step_indoor_indoor-512x512-indoor_hard.py
_base_ = [
    '../_base_/models/smp_deeplabv3plus_r101.py',
    '../_base_/datasets/indoor.py',
    '../_base_/pipelines/indoor_hard.py',
    '../_base_/losses/focal_dice_source.py',
    '../_base_/schedules/adamw_step_indoor.py',
    '../_base_/default_runtime.py',
]
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode)
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=head)
train_dataloader = dict(batch_size=13, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head
