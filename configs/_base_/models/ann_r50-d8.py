# ANN (Zhu et al. 2019, https://arxiv.org/abs/1908.07678): non-local attention whose keys are a few pooled regions.
# 46.2 M parameters with the auxiliary head.
_base_ = './_resnet50.py'
model = dict(
    decode_head=dict(
        type='ANNHead',
        in_channels=[1024, 2048],
        in_index=[2, 3],
        project_channels=256,
        query_scales=(1,),
        key_pool_scales=(1, 3, 6, 8),
    )
)
