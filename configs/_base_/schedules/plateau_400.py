# plateau_20k over 400 iterations, for a CPU. With eight validations the rate stays, and the run goes to its end.
_base_ = './plateau_20k.py'
train_cfg = dict(max_iters=400, val_interval=50)
default_hooks = dict(logger=dict(interval=20), checkpoint=dict(interval=50))
