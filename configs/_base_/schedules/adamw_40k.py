# AdamW 1e-3, linear warm-up, then polynomial decay to zero at the last of 40k iterations.
_base_ = './_iterations.py'
max_iters = 40000
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.001, betas=(0.9, 0.999), weight_decay=0.05)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', power=1.0, eta_min=0.0, by_epoch=False, begin=1500, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
del max_iters
