# SegGPT on ViT-Large (Wang et al. 2023, https://arxiv.org/abs/2304.03284): 370.7 M parameters, images of 448 px.
# Its classes are what prompts show: it starts from, and untrained predicts with, the authors' weights. Needs
# pip install -e '.[seggpt]'; to be trained, a GPU: with gradient checkpointing and --amp much less memory.
_base_ = './_segmentor.py'
model = dict(
    type='SegGPTSegmentor',
    # Nothing is padded: every image is resized to the side of the network.
    data_preprocessor=dict(test_cfg=None),
    network=dict(config=dict(), pretrained='BAAI/seggpt-vit-large', gradient_checkpointing=False),
    mode='finetune',
    embedding_type='semantic',
    palette=dict(background=(0, 0, 0), min_distance=100.0, fixed=False),
    masking=dict(kind='random', ratio=0.75, half_prob=0.0),
    learnable_prompt=dict(num=1, init='kaiming', learn='both', pair=None),
    beta=0.01,
    foreground_weight=1.0,
    test_cfg=dict(_delete_=True, prompt_ensemble=True, gate=None, split=1, stitch=False, prompt_tiles='defect'),
)
