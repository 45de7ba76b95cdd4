# Pavement with thin cracks (CrackTree260), labels one pixel wide; the training set of the crack experiments.
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/cracktree260')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
