"""Import mmengine, mmcv and mmseg once, quietly, and refuse a mixed installation with the cure.

Every package of this project that needs them imports this module first. The libraries print a line about an
optional product and warn about operators that nothing here uses; a user reading a terminal should not have to
know which of those lines matter.
"""

import contextlib
import io
import warnings
from importlib.metadata import PackageNotFoundError, version

ORIGINALS = ('mmengine', 'mmcv', 'mmcv-lite', 'mmsegmentation')


def refuse_originals() -> None:
    """Raise ImportError when an original OpenMMLab package lies over its maintained continuation.

    Both install the same import names, so whichever came last has overwritten files of the other.
    """
    for name in ORIGINALS:
        with contextlib.suppress(PackageNotFoundError):
            raise ImportError(
                f'{name} {version(name)} is installed beside its maintained continuation and shares its import '
                f'name; use a fresh environment, or: pip uninstall {" ".join(ORIGINALS)} && '
                'pip install --force-reinstall --no-deps onedl-mmengine onedl-mmcv onedl-mmsegmentation'
            )


refuse_originals()
# Two classes with two output channels are what this project trains; every head would advise against it.
warnings.filterwarnings('ignore', 'For binary segmentation, we suggest')
with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import mmseg.datasets
    import mmseg.engine
    import mmseg.models
    import mmseg.visualization  # noqa: F401
