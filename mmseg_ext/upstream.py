"""Import mmengine, mmcv and mmseg once, quietly, and survive or refuse what does not fit them.

Every package of this project that needs them imports this module first. The libraries print a line about an
optional product and warn about operators that nothing here uses; a user reading a terminal should not have to
know which of those lines matter.
"""

import contextlib
import importlib
import io
import os
import sys
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


def hide_unfit(name: str) -> None:
    """Make an optional package that is installed but cannot be imported look absent.

    The libraries use torchvision only where it is there, and take "there" to mean usable. Its usual build belongs
    to a CUDA torch; beside a CPU torch it fails in the middle of their imports.
    """
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return
    except (ImportError, RuntimeError, OSError):
        for part in [part for part in sys.modules if part.partition('.')[0] == name]:
            del sys.modules[part]
        sys.modules[name] = None


refuse_originals()
hide_unfit('torchvision')
# mmseg imports albumentations, which asks the network for a newer version of itself unless it is told not to.
os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')
# Two classes with two output channels are what this project trains; every head would advise against it.
warnings.filterwarnings('ignore', 'For binary segmentation, we suggest')
# What upstream's own BEiT and MobileNetV3 call, and what they would advise against in their own code.
warnings.filterwarnings('ignore', 'torch.meshgrid: in an upcoming release')
warnings.filterwarnings('ignore', 'In MMCV v1.4.4, we modified the default value')
with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import mmseg.datasets
    import mmseg.engine
    import mmseg.models
    import mmseg.visualization  # noqa: F401
