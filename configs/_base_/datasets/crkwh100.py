# Road pavement from a line-array camera (CRKWH100), a test set; five images have bright cracks.
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/crkwh100')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
