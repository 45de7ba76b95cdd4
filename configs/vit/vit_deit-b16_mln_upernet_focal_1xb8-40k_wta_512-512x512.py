# ViT (DeiT) with UPerNet, focal loss, WTA blade defects, crops of 512 px, 40k iterations, 1 GPU x 8 images.
#
#   python tools/train.py configs/vit/vit_deit-b16_mln_upernet_focal_1xb8-40k_wta_512-512x512.py
#   ... --swap datasets=magnetic_tile losses=dice_ce --cfg-options optim_wrapper.optimizer.lr=3e-5
_base_ = [
    '../_base_/models/vit_deit-b16_mln_upernet.py',
    '../_base_/datasets/wta_512.py',
    '../_base_/pipelines/crop_512.py',
    '../_base_/losses/focal.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode)
aux = dict(num_classes=_base_.num_classes, loss_decode=_base_.aux_loss_decode)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(img_size=_base_.crop_size),
    decode_head=head,
    auxiliary_head=[dict(each, **aux) for each in _base_.model.auxiliary_head],
)
# Pretrained transformers forget at the schedule's rate: 6 % of it, upstream's 6e-5 for AdamW's 1e-3. What is no
# matrix is not decayed.
optim_wrapper = dict(
    optimizer=dict(lr=0.06 * _base_.optim_wrapper.optimizer.lr),
    paramwise_cfg=dict(
        norm_decay_mult=0.0, custom_keys=dict(pos_embed=dict(decay_mult=0.0), cls_token=dict(decay_mult=0.0))
    ),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head, aux
