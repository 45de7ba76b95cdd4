# In-context tuning of SegGPT: 1,204,224 numbers, a prompt of 448 px, are learnt for cracks; the network keeps the
# authors' weights. The prompt is train/ckpt/prompt.safetensors (2.4 MB), which tools/predict.py takes as --prompt.
# Needs pip install -e '.[seggpt]'.
#
#   python tools/train.py configs/seggpt/seggpt_vit-large_incontext_1xb4-1k_prompt_crackforest-448x448.py --amp
#   ... --swap datasets=magnetic_tile
#   ... --cfg-options model.learnable_prompt.num=3
_base_ = [
    '../_base_/models/seggpt_vit-large.py',
    '../_base_/datasets/crackforest.py',
    '../_base_/pipelines/prompt_448.py',
    '../_base_/schedules/adamw_1k_prompt.py',
    '../_base_/default_runtime.py',
]
model = dict(
    mode='incontext',
    num_classes=_base_.num_classes,
    data_preprocessor=dict(size=_base_.crop_size),
    network=dict(gradient_checkpointing=True),  # a second forward pass, a sixth of the memory
)
custom_hooks = [dict(type='PromptFileHook'), dict(type='PromptPanelsHook', interval=250)]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
