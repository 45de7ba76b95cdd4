# What all sets share: folders, loaders without pipelines, metric. The file of a set states the rest: number of
# classes, data-set class, root. The recipe adds the pipelines. num_workers None = as many as suit the machine
# (mmseg_ext/engine/machine.py); a number, here or by --cfg-options, is taken as it is.
train_dataloader = dict(
    batch_size=8,
    num_workers=None,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(data_prefix=dict(img_path='img_dir/train', seg_map_path='ann_dir/train')),
)
val_dataloader = dict(
    batch_size=1,  # the images of a set may differ in size
    num_workers=None,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(data_prefix=dict(img_path='img_dir/val', seg_map_path='ann_dir/val')),
)
test_dataloader = dict(
    val_dataloader, dataset=dict(data_prefix=dict(img_path='img_dir/test', seg_map_path='ann_dir/test'))
)
val_evaluator = test_evaluator = dict(type='DefectMetric')
