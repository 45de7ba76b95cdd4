# Six types of defects to be asked for by a prompt: five of magnetic tiles, and the cracks of roads, named so here
# to be another type than those of tiles. Prompts come from the training images, also when testing.
_base_ = './_loaders.py'
num_classes = 2
root, road = '{{$MMSEG_EXT_DATA:data}}', dict(classes=('background', 'road crack'))
tile = dict(type='MagneticTileDataset', data_root=f'{root}/magnetic_tile')
road = dict(type='CrackDataset', data_root=f'{root}/crackforest', metainfo=road)
train, val, test = (
    [dict(each, data_prefix=_base_[f'{split}_dataloader'].dataset.data_prefix) for each in (tile, road)]
    for split in ('train', 'val', 'test')
)
pairs = dict(_delete_=True, type='PromptPairDataset', negative_ratio=0.5)
train_dataloader = dict(dataset=dict(pairs, datasets=train))
val_dataloader = dict(dataset=dict(pairs, datasets=val, prompts=train, test_mode=True))
test_dataloader = dict(dataset=dict(pairs, datasets=test, prompts=train, test_mode=True))
val_evaluator = test_evaluator = dict(type='PromptedMetric')
del root, road, tile, train, val, test, pairs
