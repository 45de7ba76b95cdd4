# The set of the SegGPT experiments: eleven kinds of defects, such as of circuit boards and cables, each a class.
_base_ = './_loaders.py'
num_classes = 12
classes = ['background', 'front', 'impurities', 'mouse_bite', 'open_circuit', 'Porosity', 'RCS', 'short', 'spur']
classes += ['spurious_copper', 'thunderbolt', 'torn_apart']
metainfo = dict(classes=classes)
dataset = dict(type='CheckedSegDataset', data_root='{{$MMSEG_EXT_DATA:data}}/seggpt', metainfo=metainfo)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
del classes, metainfo, dataset
