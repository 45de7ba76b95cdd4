# AdamW for numbers that are pixels, as in in-context tuning: 0.03 in normalised colours, no decay (black would be
# nothing special), and a cosine to zero over 1000 iterations.
_base_ = './_iterations.py'
max_iters = 1000
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='AdamW', lr=0.03, betas=(0.9, 0.999), weight_decay=0.0)
)
param_scheduler = [dict(type='CosineAnnealingLR', eta_min=0.0, by_epoch=False, begin=0, end=max_iters)]
train_cfg = dict(max_iters=max_iters, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250))
del max_iters
