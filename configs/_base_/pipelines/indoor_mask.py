# Turned and cut as in indoor_hard; a grid of 6 x 6 holes takes a quarter of the pixels of three photographs of
# four; each window of 384 px holds a pixel of the rare classes (5 and 6), where the photograph has one.
#   * The label stays under the holes, as in the source: the network has to tell from what is around them.
#   * The window is the source's CropNonEmptyMaskIfExists, whose ignored values were the other eight classes. It
#     lies wherever that could lie, but the two classes come equally often, not in proportion to their pixels.
#     It is cut before the photograph is resized, as the random windows are.
# For other data: --cfg-options train_dataloader.dataset.pipeline.2.classes=[2,6]
_base_ = './indoor_hard.py'
load, hard, resize, pack = _base_.train_pipeline
holes = dict(type='GridDropout', ratio=0.5, holes_number_xy=(6, 6), random_offset=False, p=0.75)
train_pipeline = [
    load,
    dict(type='Albumentation', transforms=[hard['transforms'][0], holes, hard['transforms'][-1]]),
    dict(type='DefectCrop', crop_size=(384, 384), scale=(1.0, 1.0), prob=1.0, classes=[5, 6]),
    resize,
    pack,
]
del load, hard, holes, resize, pack
