# AdamW for ten minutes on a CPU: 2e-3, linear warm-up over a tenth of 2400 iterations, then a cosine to zero.
_base_ = './_iterations.py'
max_iters = 2400
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.002, betas=(0.9, 0.999), weight_decay=0.01)
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=max_iters // 10),
    dict(type='CosineAnnealingLR', eta_min=0.0, by_epoch=False, begin=max_iters // 10, end=max_iters),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters // 4)
default_hooks = dict(checkpoint=dict(interval=max_iters // 4))
del max_iters
