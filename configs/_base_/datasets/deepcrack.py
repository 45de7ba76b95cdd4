# Cracks in many scenes and sizes, 544 x 384 (DeepCrack of Liu et al., 537 pictures).
_base_ = './_cracks.py'
dataset = dict(type='CrackDataset', data_root='{{$MMSEG_EXT_DATA:data}}/deepcrack')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
