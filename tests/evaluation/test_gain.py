"""The table of what test-time augmentation gains and costs."""

from mmseg_ext.evaluation.gain import format_gain

PLAIN = dict(
    scores={
        'mIoU_fg': 40.0,
        'IoU.crack': 12.0,
        'FalseAlarms': 3.0,
        'ODS@macro-2px': 0.5,
        'mF1': None,
        'OIS@x': 0.1,
    },
)
AUGMENTED = dict(
    scores={'mIoU_fg': 41.25, 'IoU.crack': 14.0, 'FalseAlarms': 2.5, 'ODS@macro-2px': 0.5125, 'mF1': float('nan')},
    network_seconds=dict(plain=0.02, augmented=0.05, ratio=2.5),
    tta='flip',
)


def test_by_hand():
    assert format_gain(PLAIN, AUGMENTED).splitlines() == [
        'test-time augmentation: flip',
        '                                       plain   augmented        gain',
        '  mIoU_fg                              40.00       41.25       +1.25',
        '  FalseAlarms                           3.00        2.50       -0.50',
        '  ODS@macro-2px                       0.5000      0.5125     +0.0125',
        '  mF1                                      –           –           –',
        '  seconds an image                    0.0200      0.0500      x 2.50',
    ]
