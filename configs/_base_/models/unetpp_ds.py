# unetpp that learns from all four of its outputs and predicts with the last.
_base_ = './unetpp.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='DeepSupervisionHead',
        in_channels=32,
        num_outputs=4,
        dropout_ratio=0.0,
        align_corners=False,
    )
)
