# prompt_448 for small networks on a CPU: crops of 128 px, at a third to all of the images' own scale, where a crop
# shows as much of the surface as one of 128 to 384 px.
_base_ = './prompt_448.py'
crop_size = (128, 128)
changed = dict(DefectCrop=dict(crop_size=crop_size, scale=(0.33, 1.0)), Pad=dict(size=crop_size[::-1]))
train_pipeline = [dict(step, **changed.get(step['type'], {})) for step in _base_.train_pipeline]
del changed
