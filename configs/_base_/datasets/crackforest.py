# Roads of 480 x 320 (CrackForest, CFD).
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/crackforest')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
