# DeepLabV3+ on ResNet-101 of segmentation_models_pytorch, 10 x focal - log(mean Dice), indoor damage,
# crops of 512 px, 40k iterations, 1 GPU x 8 images. Needs pip install -e '.[smp]'.
#
#   python tools/train.py configs/smp/smp_deeplabv3plus_r101_focal_dice_1xb8-40k_indoor-512x512.py
#   ... --swap losses=boundary_ce pipelines=indoor_hard schedules=adamw_step_indoor
#   ... --cfg-options model.arch=UnetPlusPlus model.encoder_name=efficientnet-b3
_base_ = [
    '../_base_/models/smp_deeplabv3plus_r101.py',
    '../_base_/datasets/indoor.py',
    '../_base_/pipelines/crop_512.py',
    '../_base_/losses/focal_dice.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode)
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=head)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head
