"""Import diffusers and transformers once, quietly, and survive a torchvision that does not fit.

Every module of this package that needs them imports this module first. A torchvision built for another torch fails
in the middle of their imports (``operator torchvision::nms does not exist``) though nothing here uses it, and
both warn about image processors that stable diffusion never calls.
"""

import importlib
import sys
import warnings


def hide_unfit(name: str) -> None:
    """Make an optional package that is installed but cannot be imported look absent."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return
    except (ImportError, RuntimeError, OSError):
        for part in [part for part in sys.modules if part.partition('.')[0] == name]:
            del sys.modules[part]
        sys.modules[name] = None


hide_unfit('torchvision')
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import transformers

    # Their advice on image processors comes through the log, and only while they are imported.
    verbosity = transformers.logging.get_verbosity()
    transformers.logging.set_verbosity_error()
    import diffusers
    import huggingface_hub
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    transformers.logging.set_verbosity(verbosity)

diffusers.utils.logging.disable_progress_bar()
transformers.logging.disable_progress_bar()
huggingface_hub.utils.enable_progress_bars()  # a download takes minutes; transformers has just hidden it

__all__ = [
    'AutoencoderKL',
    'CLIPTextConfig',
    'CLIPTextModel',
    'CLIPTextModelWithProjection',
    'CLIPTokenizer',
    'DDIMScheduler',
    'StableDiffusionXLPipeline',
    'UNet2DConditionModel',
    'diffusers',
    'transformers',
]
