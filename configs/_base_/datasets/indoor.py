# Indoor damage, ten classes; names, if known: dict(metainfo=dict(classes=(...))).
_base_ = './_loaders.py'
num_classes = 10
dataset = dict(type='IndoorDataset', data_root='{{$MMSEG_EXT_DATA:data}}/indoor')
train_dataloader = val_dataloader = test_dataloader = dict(dataset=dataset)
val_evaluator = test_evaluator = [dict(type='DefectMetric'), dict(type='BoundaryMetric', tolerance=2)]
del dataset
