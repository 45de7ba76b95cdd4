# BEiT with UPerNet, focal loss, WTA blade defects, crops of 512 px, 40k iterations, 1 GPU x 8 images.
#
#   python tools/train.py configs/beit/beit-base_upernet_focal_1xb8-40k_wta_512-512x512.py
#   ... --swap datasets=magnetic_tile losses=dice_ce --cfg-options optim_wrapper.optimizer.lr=1e-5
_base_ = [
    '../_base_/models/beit-base_upernet.py',
    '../_base_/datasets/wta_512.py',
    '../_base_/pipelines/crop_512.py',
    '../_base_/losses/focal.py',
    '../_base_/schedules/adamw_40k.py',
    '../_base_/default_runtime.py',
]
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode)
aux = dict(num_classes=_base_.num_classes, loss_decode=_base_.aux_loss_decode)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size, test_cfg=dict(_delete_=True, size=_base_.crop_size)),
    backbone=dict(img_size=_base_.crop_size),
    decode_head=head,
    auxiliary_head=[dict(each, **aux) for each in _base_.model.auxiliary_head],
    test_cfg=dict(mode='slide', crop_size=_base_.crop_size, stride=[2 * side // 3 for side in _base_.crop_size]),
)
# Pretrained transformers forget at the schedule's rate: 3 % of it, upstream's 3e-5 for AdamW's 1e-3, and a tenth
# less with each layer away from the head.
optim_wrapper = dict(
    optimizer=dict(lr=0.03 * _base_.optim_wrapper.optimizer.lr),
    constructor='LayerDecayConstructor',
    paramwise_cfg=dict(num_layers=12, decay_rate=0.9, decay_type='layer_wise'),
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head, aux
