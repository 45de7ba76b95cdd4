# Defects on rendered blades in minutes on a CPU: what `make demo` trains. For images of one's own: ten_minutes.py.
#
#   python tools/render_demo_data.py --out data/demo_blade
#   python tools/train.py configs/quick/demo_blade.py
# `expected` is mean and standard deviation of five seeds on the test split, in percent; `make test` holds the
# recipe to it within three deviations.
expected = dict(mIoU_fg=(51.6, 2.0))
_base_ = [
    '../_base_/models/fast_scnn.py',
    '../_base_/datasets/demo_blade.py',
    '../_base_/pipelines/defect_256.py',
    '../_base_/losses/dice_ce.py',
    '../_base_/schedules/adamw_600.py',
    '../_base_/default_runtime.py',
]
# With the usual momentum of 0.01 the batch statistics that validation uses lag hundreds of iterations behind: a
# network that has learnt the defects would still predict none.
norm_cfg = dict(type='BN', requires_grad=True, momentum=0.1)
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode, norm_cfg=norm_cfg)
aux = dict(num_classes=_base_.num_classes, loss_decode=_base_.aux_loss_decode, norm_cfg=norm_cfg)
model = dict(
    data_preprocessor=dict(size=_base_.crop_size),
    backbone=dict(norm_cfg=norm_cfg),
    decode_head=head,
    auxiliary_head=[dict(each, **aux) for each in _base_.model.auxiliary_head],
)
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del norm_cfg, head, aux
