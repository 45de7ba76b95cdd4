# Magnetic tiles, five kinds of defect; grey, every image its own size.
_base_ = './_loaders.py'
num_classes = 6
dataset = dict(type='MagneticTileDataset', data_root='{{$MMSEG_EXT_DATA:data}}/magnetic_tile')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del dataset
