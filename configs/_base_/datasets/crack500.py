# Pavement regions of about 640 x 360 (CRACK500).
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/crack500')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
