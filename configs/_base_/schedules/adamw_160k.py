# adamw_40k over 160k iterations.
_base_ = './adamw_40k.py'
max_iters = 160000
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=max_iters)]
train_cfg = dict(max_iters=max_iters)
del max_iters
