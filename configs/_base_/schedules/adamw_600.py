# AdamW for minutes instead of hours: short warm-up, polynomial decay to zero at the last of 600 iterations.
_base_ = './_iterations.py'
max_iters = 600
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.003, betas=(0.9, 0.999), weight_decay=0.01)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type='PolyLR', power=0.9, eta_min=0.0, by_epoch=False, begin=50, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=200)
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=200))
del max_iters
