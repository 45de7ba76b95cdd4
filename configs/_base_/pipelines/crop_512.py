# Crops of 512 px, half of them placed so that they hold a defect; validation and test on whole images, unscaled.
# Decoded training images are kept in work_dirs/cache (or $MMSEG_EXT_CACHE), in at most 8 GB: 160 photos of twelve
# megapixels, the rest is decoded each time. To change that, or to do without:
#   --cfg-options train_dataloader.dataset.pipeline.0.cache.gb=50
#   --cfg-options train_dataloader.dataset.pipeline.0.cache=None
crop_size = (512, 512)
train_pipeline = [
    dict(type='LoadPair', cache=dict(folder='{{$MMSEG_EXT_CACHE:work_dirs/cache}}', gb=8)),
    dict(type='DefectCrop', crop_size=crop_size, scale=(0.5, 2.0), prob=0.5),
    dict(type='RandomFlip', prob=0.5),
    dict(type='TablePhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
