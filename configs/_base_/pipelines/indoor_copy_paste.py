# indoor_base, and on every second photograph up to three objects of the rare classes (5 and 6), from other
# photographs. In the source one run with pasted objects of class 5 gained nothing; measure before believing in it.
# For other data: --cfg-options train_dataloader.dataset.pipeline.1.classes=[2,6]
_base_ = './indoor_base.py'
copy_paste = dict(type='ClassCopyPaste', classes=[5, 6], prob=0.5, blend='feather')
train_pipeline = [_base_.train_pipeline[0], copy_paste, *_base_.train_pipeline[1:]]
del copy_paste
