# adamw_40k with the learning rate of a run of 160k iterations: it stops at 40k, where the rate is still 76 % of
# the highest.
_base_ = './adamw_40k.py'
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=160000)]
