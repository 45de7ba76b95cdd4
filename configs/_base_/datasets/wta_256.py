# WTA blade defects in pieces of 256 x 256, the set of the first experiments.
_base_ = './_loaders.py'
num_classes = 3
dataset = dict(type='WTADataset', data_root='{{$MMSEG_EXT_DATA:data}}/wta_256')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
