"""The packages of the export extra, which nothing else needs."""

from importlib.util import find_spec

from mmseg_ext.errors import UsageError

PACKAGES = ('onnx', 'onnxscript', 'onnxruntime')


def require_packages() -> None:
    """Raise UsageError with the command that installs them when one of the packages is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f'{", ".join(missing)} not installed; pip install -c requirements/constraints.txt -e ".[export]"'
        )
