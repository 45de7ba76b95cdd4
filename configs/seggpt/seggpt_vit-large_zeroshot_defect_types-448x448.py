# SegGPT as its authors published it, asked by prompts for six types of defects; nothing is trained. Without a
# checkpoint the authors' weights are taken (1.5 GB, from the Hugging Face Hub). Needs pip install -e '.[seggpt]'.
#
#   python tools/test.py configs/seggpt/seggpt_vit-large_zeroshot_defect_types-448x448.py
#   python tools/test.py configs/seggpt/seggpt_vit-large_zeroshot_defect_types-448x448.py seggpt_vit_large.pth
#   ... --cfg-options model.test_cfg.gate=0.1 test_dataloader.dataset.top_k=3
_base_ = [
    '../_base_/models/seggpt_vit-large.py',
    '../_base_/datasets/defect_types.py',
    '../_base_/pipelines/prompt_448.py',
    '../_base_/schedules/adamw_5k_cosine.py',
    '../_base_/default_runtime.py',
]
model = dict(mode='zeroshot', num_classes=_base_.num_classes, data_preprocessor=dict(size=_base_.crop_size))
train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
