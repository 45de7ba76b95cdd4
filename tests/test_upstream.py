"""What stands in the way of the libraries is refused or hidden before they are imported."""

import importlib
import sys
from importlib import metadata

import pytest

from mmseg_ext import upstream


def test_an_original_beside_its_continuation_is_refused(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(upstream, 'version', lambda name: '2.1.0' if name == 'mmcv' else real(name))
    with pytest.raises(ImportError, match=r'mmcv 2\.1\.0 is installed beside .* pip uninstall'):
        upstream.refuse_originals()


def test_a_package_that_cannot_be_imported_looks_absent(tmp_path, monkeypatch):
    (tmp_path / 'unfit_package').mkdir()
    (tmp_path / 'unfit_package' / '__init__.py').write_text(
        'from unfit_package import part\nraise RuntimeError("operator unfit::nms does not exist")\n'
    )
    (tmp_path / 'unfit_package' / 'part.py').write_text('')
    monkeypatch.syspath_prepend(tmp_path)
    upstream.hide_unfit('unfit_package')
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module('unfit_package')
    assert 'unfit_package.part' not in sys.modules
    monkeypatch.delitem(sys.modules, 'unfit_package')


def test_a_sound_package_and_a_missing_one_stay_as_they_are():
    upstream.hide_unfit('json')
    upstream.hide_unfit('no_such_package_anywhere')
    assert sys.modules['json'] is not None
    assert 'no_such_package_anywhere' not in sys.modules
