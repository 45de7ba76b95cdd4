# Whole photographs resized to 512 x 512 px and mirrored; predictions come back at the photograph's size. The
# plainest of the four ways of the UNI-DTHON 2023 work on indoor damage, see indoor_hard, indoor_mask and
# indoor_copy_paste. (Normalising is the data preprocessor's part.)
crop_size = (512, 512)
load = dict(type='LoadPair', cache=dict(folder='{{$MMSEG_EXT_CACHE:work_dirs/cache}}', gb=8))
resize = dict(type='Resize', scale=crop_size, keep_ratio=False)
train_pipeline = [
    load,
    resize,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    resize,
    dict(type='LoadAnnotations'),
    dict(type='PackSegInputs'),
]
del load, resize
