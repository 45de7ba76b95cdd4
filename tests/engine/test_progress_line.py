"""The line of a validation in a terminal: what a table or a line of its own says is not said again."""

from mmengine.runner import LogProcessor

from mmseg_ext.engine.progress import ShortLogProcessor


def test_scores_that_are_shown_elsewhere_are_left_out(monkeypatch):
    said = 'Iter(val) [3/3]  aAcc: 99.0  IoU.crack: 5.0  ODS@bsds-0.0075d: 0.7  OIS@macro-0px: 0.7  val_loss: 0.3'
    monkeypatch.setattr(LogProcessor, 'get_log_after_epoch', lambda *_: ({'aAcc': 99.0}, f'{said}  time: 0.5'))
    scalars, line = ShortLogProcessor().get_log_after_epoch(None, 3, 'val')
    assert line == 'Iter(val) [3/3]  val_loss: 0.3  time: 0.5'
    assert scalars == {'aAcc': 99.0}
