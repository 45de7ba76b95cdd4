# Crops of 512 px, taken anywhere at the image's own scale, turned and mirrored; validation and test on whole
# images. An image below the crop is padded, and the padding ignored. More crops on cracks: DefectCrop's prob.
crop_size = (512, 512)
load = dict(type='LoadPair', cache=dict(folder='{{$MMSEG_EXT_CACHE:work_dirs/cache}}', gb=8))
turned = dict(type='Albumentation', transforms=[dict(type='RandomRotate90', p=0.5)])
mirrored = dict(type='RandomFlip', prob=[1 / 6, 1 / 6, 1 / 6], direction=['horizontal', 'vertical', 'diagonal'])
train_pipeline = [
    load,
    dict(type='DefectCrop', crop_size=crop_size, scale=(1.0, 1.0), prob=0.0),
    turned,
    mirrored,
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
del load, turned, mirrored
