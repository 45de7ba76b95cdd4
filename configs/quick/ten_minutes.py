# A first network for images of one's own, from scratch, in ten minutes on two CPU cores.
#
#   python tools/train.py configs/quick/ten_minutes.py --swap datasets=mine
#   python tools/train.py configs/quick/ten_minutes.py                      # magnetic_tile
#   python tools/train.py configs/quick/ten_minutes.py --swap datasets=crackforest
# `expected` is mean and standard deviation of three seeds on the test split of magnetic_tile, in percent;
# crackforest gives 53.1 and 0.3. benchmarks/ten_minutes.py measures both: real images are nothing for `make test`.
expected = dict(mIoU_fg=(21.6, 3.6))
_base_ = [
    '../_base_/models/unet16_s2.py',
    '../_base_/datasets/magnetic_tile.py',
    '../_base_/pipelines/defect_160.py',
    '../_base_/losses/dice_balanced_ce.py',
    '../_base_/schedules/adamw_2400_cosine.py',
    '../_base_/default_runtime.py',
]
head = dict(num_classes=_base_.num_classes, loss_decode=_base_.loss_decode)
model = dict(data_preprocessor=dict(size=_base_.crop_size), decode_head=head)
# Every batch holds every class: in turn, an image of each of them and one without a defect.
train_dataloader = dict(
    sampler=dict(_delete_=True, type='ClassBalancedSampler', free=1),
    dataset=dict(pipeline=_base_.train_pipeline),
)
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
del head
