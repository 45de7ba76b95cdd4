# WTA blade defects in pieces of 512 x 512: background, attached, broken.
_base_ = './_loaders.py'
num_classes = 3
dataset = dict(type='WTADataset', data_root='{{$MMSEG_EXT_DATA:data}}/wta_512')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
