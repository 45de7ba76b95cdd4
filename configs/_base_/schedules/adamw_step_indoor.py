# The source's course for indoor, in iterations: AdamW 1e-3, times 0.75 every five epochs, 25 epochs, a step from
# every four batches of 13 images (--cfg-options train_dataloader.batch_size=13). How many images an epoch had is
# not public; 400 iterations stand for 5200. Another size: epoch = images / batch, rounded to a multiple of four.
_base_ = './_iterations.py'
epoch = 400
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=0.001, betas=(0.9, 0.999), weight_decay=0.01),
    accumulative_counts=4,
)
param_scheduler = [dict(type='StepLR', step_size=5 * epoch, gamma=0.75, by_epoch=False)]
train_cfg = dict(max_iters=25 * epoch, val_interval=epoch)
default_hooks = dict(checkpoint=dict(interval=epoch))
del epoch
