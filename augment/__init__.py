"""Multiply photographs of defects: SDXL inversion, residual linear interpolation and prompt-to-prompt editing.

From Python::

    from augment import Editor, EditSettings, ModelSource, load_pipeline

    editor = Editor(load_pipeline(ModelSource('tiny-random')), EditSettings(steps=4))
    inversions = editor.invert([photograph])
    for result in editor.edit(inversions, ['peeling', 'rust'], regions=[region])[0]:
        result.image

What is named here is imported when first asked for, so that ``import augment`` stays cheap.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    'EditResult': 'augment.editing.results',
    'EditSettings': 'augment.config.settings',
    'Editor': 'augment.editing.editor',
    'ModelSource': 'augment.sdxl.source',
    'Runtime': 'augment.editing.runtime',
    'Target': 'augment.editing.targets',
    'load_pipeline': 'augment.sdxl.loader',
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """The exported ``name``, from the module it lives in."""
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
