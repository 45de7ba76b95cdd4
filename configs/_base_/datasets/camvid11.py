# Street scenes of 480 x 360 (CamVid, 11 classes, void = 255): many classes, none of them a background.
_base_ = './_loaders.py'
num_classes = 11
classes = ['sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign_symbol', 'fence', 'car']
classes += ['pedestrian', 'bicyclist']
palette = [[128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222], [128, 128, 0]]
palette += [[192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0], [0, 128, 192]]
metainfo = dict(classes=classes, palette=palette)
dataset = dict(type='CheckedSegDataset', data_root='{{$MMSEG_EXT_DATA:data}}/camvid11', metainfo=metainfo)
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
val_evaluator = test_evaluator = [dict(type='DefectMetric'), dict(type='BoundaryMetric', tolerance=2)]
del classes, palette, metainfo, dataset
