# What the crack sets share: _loaders, and scores that do not hang on one threshold. Sets of one-pixel curves are
# judged with two pixels of tolerance, newer papers allow none. The first of the two chooses the threshold.
_base_ = './_loaders.py'
num_classes = 2
val_evaluator = test_evaluator = [
    dict(type='DefectMetric'),
    dict(type='ThresholdMetric', protocol='deepcrack_tip', tolerance=2),
    dict(type='ThresholdMetric', protocol='macro', tolerance=0),
]
