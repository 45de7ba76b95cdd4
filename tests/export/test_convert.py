"""What stops a conversion is told in one line, and nothing of this machine is in a file."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.export import packages as packages_module
from mmseg_ext.export import require_packages
from mmseg_ext.export.convert import FIXED, OPSET, convert, obstacle
from mmseg_ext.export.parity import OnnxModel

onnx = pytest.importorskip('onnx', reason='needs the export extra')
IMAGE = torch.randint(0, 256, (1, 70, 66, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Graph(nn.Module):
    """Stands in for PlainGraph: ``function`` between the image and the two outputs."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        values = self.function(image.permute(0, 3, 1, 2).float())
        return values, values.argmax(1).to(torch.uint8)


def failure(function, path, dynamic=False) -> str:
    with pytest.raises(RunError) as caught:
        convert(Graph(function), IMAGE, path, OPSET, dynamic, {})
    assert not path.exists()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_the_operator_is_named(tmp_path):
    said = failure(torch.special.bessel_j0, tmp_path / 'm.onnx')
    assert said == 'the network cannot be exported: ONNX has nothing for its operator prims.bessel_j0'


def test_a_decision_on_pixel_values_is_an_obstacle(tmp_path):
    said = failure(lambda values: values if values.mean() > 100 else -values, tmp_path / 'm.onnx')
    assert 'it decides by the values of pixels what to compute' in said


def test_a_fixed_size_is_told_from_other_obstacles(tmp_path):
    def fixed(values: Tensor) -> Tensor:
        return values + torch.zeros(70, 66)

    assert failure(fixed, tmp_path / 'm.onnx', dynamic=True).endswith('one size only; leave out --dynamic')
    convert(Graph(fixed), IMAGE, tmp_path / 'm.onnx', OPSET, False, {})
    with pytest.raises(RunError, match=r'the exported network fails on \(1, 80, 66, 3\): .+'):
        OnnxModel(tmp_path / 'm.onnx')(np.zeros((1, 80, 66, 3), np.uint8))


@pytest.mark.parametrize('said', ['Constraints violated', 'height was Specialized', 'inconsistent min 64'])
def test_what_torch_calls_a_fixed_size(said):
    assert obstacle(RuntimeError(said), dynamic=True) == FIXED
    assert obstacle(RuntimeError(said), dynamic=False) == said


def test_file_says_what_it_was_told_and_nothing_of_this_machine(tmp_path):
    convert(Graph(torch.sin), IMAGE, tmp_path / 'm.onnx', 20, False, {'classes': '["ä"]'})
    model = onnx.load(tmp_path / 'm.onnx')
    assert {each.key: each.value for each in model.metadata_props} == {'classes': '["ä"]'}
    assert [each.version for each in model.opset_import if not each.domain] == [20]
    assert b'/mmseg_ext/' not in (tmp_path / 'm.onnx').read_bytes()
    onnx.checker.check_model(model)


def test_an_opset_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(UsageError, match='--opset 12: this network comes out as opset 18'):
        convert(Graph(torch.sin), IMAGE, tmp_path / 'm.onnx', 12, False, {})


def test_missing_packages_are_named_with_the_command(monkeypatch):
    require_packages()
    monkeypatch.setattr(packages_module, 'find_spec', lambda name: None if name == 'onnxscript' else name)
    with pytest.raises(UsageError, match=r'^onnxscript not installed; pip install .*\[export\]'):
        require_packages()
