# defect_types, trained and validated without any photograph of one type, tested on that type alone: whether a
# prompt is enough for what a network has never seen. Blowholes, which are tiny, are on the most tiles of the test
# (18); for another type: --cfg-options train_dataloader.dataset.hold_out=[uneven], val likewise, and
# test_dataloader.dataset.types=[uneven].
_base_ = './defect_types.py'
unseen = ['blowhole']
train_dataloader = val_dataloader = dict(dataset=dict(hold_out=unseen))
test_dataloader = dict(dataset=dict(types=unseen))
del unseen
