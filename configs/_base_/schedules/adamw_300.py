# adamw_600 over 300 iterations: for a look at several runs side by side, not for a score.
_base_ = './adamw_600.py'
max_iters = 300
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_iters)]
train_cfg = dict(max_iters=max_iters, val_interval=100)
default_hooks = dict(checkpoint=dict(interval=100))
del max_iters
