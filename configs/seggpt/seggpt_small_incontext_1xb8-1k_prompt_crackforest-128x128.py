# In-context tuning: the network stays as it is, and a prompt is learnt for cracks: 98,304 numbers, kept in
# train/ckpt/prompt.safetensors, which tools/predict.py takes as --prompt. Any data set will do, also of several
# classes; no pairs are needed. The network is one that has learnt to follow prompts, so train that first.
# Needs pip install -e '.[seggpt]'.
#
#   python tools/train.py configs/seggpt/seggpt_small_finetune_1xb8-2400_cosine_defect_types-128x128.py
#   python tools/train.py configs/seggpt/seggpt_small_incontext_1xb8-1k_prompt_crackforest-128x128.py \
#       --cfg-options model.network.pretrained=<that run>/train/ckpt/best_mIoU_pos_iter_2400.pth
#   ... model.learnable_prompt.init=pair model.learnable_prompt.pair=[a.jpg,a.png]
#   ... --swap datasets=magnetic_tile
_base_ = [
    '../_base_/models/seggpt_small.py',
    '../_base_/datasets/crackforest.py',
    '../_base_/pipelines/prompt_128.py',
    '../_base_/schedules/adamw_1k_prompt.py',
    '../_base_/default_runtime.py',
]
model = dict(mode='incontext', num_classes=_base_.num_classes, data_preprocessor=dict(size=_base_.crop_size))
custom_hooks = [dict(type='PromptFileHook'), dict(type='PromptPanelsHook', interval=250)]
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
