# Adam 1e-2, divided by ten, down to 1e-8, whenever more than 10 validations in a row have not lowered the loss on
# the validation images. The run ends after 25 such validations, or at the last of 20k iterations.
_base_ = './_iterations.py'
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=0.01, weight_decay=1e-4))
param_scheduler = [
    dict(type='ReduceOnPlateauLR', monitor='val_loss', rule='less', patience=10, factor=0.1, min_value=1e-8)
]
train_cfg = dict(max_iters=20000, val_interval=250)
val_cfg = dict(_delete_=True, type='LossValLoop')
default_hooks = dict(
    checkpoint=dict(interval=250), early_stop=dict(type='EarlyStopHook', monitor='val_loss', patience=25)
)
