# SegGPT fine-tuned on six types of defects, asked for by prompts; crops of 448 px, 1 GPU x 4 images. Begins with
# the authors' weights (1.5 GB, from the Hugging Face Hub). Needs pip install -e '.[seggpt]'.
#
#   python tools/train.py configs/seggpt/seggpt_vit-large_finetune_1xb4-5k_cosine_defect_types-448x448.py --amp
#   ... --swap datasets=seggpt_pairs
#   ... --cfg-options model.network.gradient_checkpointing=False model.masking.half_prob=0.5
_base_ = [
    '../_base_/models/seggpt_vit-large.py',
    '../_base_/datasets/defect_types.py',
    '../_base_/pipelines/prompt_448.py',
    '../_base_/schedules/adamw_5k_cosine.py',
    '../_base_/default_runtime.py',
]
model = dict(
    num_classes=_base_.num_classes,
    data_preprocessor=dict(size=_base_.crop_size),
    network=dict(gradient_checkpointing=True),  # a second forward pass, a sixth of the memory
)
default_hooks = dict(checkpoint=dict(save_best='PES'))
custom_hooks = [dict(type='PromptPanelsHook', interval=500)]
train_dataloader = dict(batch_size=4, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
