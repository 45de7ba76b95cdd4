# SGD 0.01, polynomial decay to 1e-4 at the last of 40k iterations: the usual schedule of mmsegmentation.
_base_ = './_iterations.py'
max_iters = 40000
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=1e-4, by_epoch=False, begin=0, end=max_iters)]
train_cfg = dict(max_iters=max_iters, val_interval=4000)
default_hooks = dict(checkpoint=dict(interval=4000))
del max_iters
