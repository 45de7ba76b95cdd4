# Road pavement under laser light (CrackLS315), a test set.
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/crackls315')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
