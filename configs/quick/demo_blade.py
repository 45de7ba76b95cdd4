# Rendered blade defects in minutes on a CPU: what `make demo` trains.
#
#   python tools/render_demo_data.py --out data/demo_blade
#   python tools/train.py configs/quick/demo_blade.py
_base_ = [
    '../_base_/models/fast_scnn.py',
    '../_base_/datasets/demo_blade.py',
    '../_base_/pipelines/crop_256.py',
    '../_base_/losses/dice_ce.py',
    '../_base_/schedules/adamw_800.py',
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
