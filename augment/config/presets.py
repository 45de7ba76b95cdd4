"""Named sets of settings: TOML files beside this module, or a file of one's own."""

import difflib
import sys
from pathlib import Path

from augment.config.plain import settings_of
from augment.config.settings import EditSettings
from augment.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).with_name('presets')


def preset_names() -> list[str]:
    """The presets that come with the package, ``readme`` (the default) first."""
    return sorted((path.stem for path in FOLDER.glob('*.toml')), key=lambda name: (name != 'readme', name))


def load_preset(name: str | Path) -> EditSettings:
    """Settings by the name of a preset, or from a TOML file of one's own; what a file leaves out is the default.

    Raises UsageError for a file that is not there or no TOML, and for unknown or impossible settings.
    """
    path = FOLDER / f'{name}.toml' if str(name) in preset_names() else Path(name)
    try:
        return settings_of(tomllib.loads(path.read_text(encoding='utf-8')), str(name))
    except OSError as error:
        near = difflib.get_close_matches(str(name), preset_names(), n=1)
        hint = f'did you mean {near[0]}?' if near else f'give {", ".join(preset_names())}, or a TOML file'
        raise UsageError(f'--preset {name}: {error.strerror.lower()}; {hint}') from error
    except ValueError as error:
        raise UsageError(f'--preset {name}: no TOML ({error})') from error
