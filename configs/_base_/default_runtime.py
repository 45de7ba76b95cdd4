# What every run has in common. TensorBoard is on; one line in a recipe adds another tracker (or MLflowVisBackend):
#   visualizer = dict(vis_backends=[dict(type='LocalVisBackend'), dict(type='WandbVisBackend')])
default_scope = 'mmseg'
custom_imports = dict(
    imports=['mmseg_ext.datasets', 'mmseg_ext.models', 'mmseg_ext.evaluation', 'mmseg_ext.engine'],
    allow_failed_imports=False,
)
env_cfg = dict(cudnn_benchmark=True, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
visualizer = dict(
    type='SegLocalVisualizer', vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')]
)
log_processor = dict(by_epoch=False)
log_level = 'INFO'
randomness = dict(seed=0)
load_from = None
resume = False
