# Cut stone (Stone331), a test set; pixels outside the stone surface belong to 255 in the masks.
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/stone331')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
