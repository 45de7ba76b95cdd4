# A small SegGPT from scratch on six types of defects, asked for by prompts; crops of 128 px, 1 GPU or CPU x 8
# images. A model to try prompting with, not to win: the pretrained one is seggpt_vit-large_finetune. Needs
# pip install -e '.[seggpt]'.
#
#   python tools/train.py configs/seggpt/seggpt_small_finetune_1xb8-2400_cosine_defect_types-128x128.py
#   ... --cfg-options model.masking.half_prob=0.5 train_dataloader.dataset.negative_ratio=0
#   ... --swap datasets=defect_types_unseen
_base_ = [
    '../_base_/models/seggpt_small.py',
    '../_base_/datasets/defect_types.py',
    '../_base_/pipelines/prompt_128.py',
    '../_base_/schedules/adamw_2400_cosine.py',
    '../_base_/default_runtime.py',
]
model = dict(num_classes=_base_.num_classes, data_preprocessor=dict(size=_base_.crop_size))
optim_wrapper = dict(optimizer=dict(lr=0.0005), clip_grad=dict(max_norm=3.0))
default_hooks = dict(checkpoint=dict(save_best='mIoU_pos'))  # PES is 50 of what answers nothing
custom_hooks = [dict(type='PromptPanelsHook', interval=200)]
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
