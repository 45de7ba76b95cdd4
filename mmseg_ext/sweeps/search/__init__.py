"""Search for better settings of a recipe: Optuna proposes, an engine trains, the validation split decides."""

from importlib.util import find_spec

from mmseg_ext.errors import UsageError


def require_optuna() -> None:
    """Raise UsageError with the command that installs it when Optuna is missing."""
    if find_spec('optuna') is None:
        raise UsageError("optuna not installed; pip install -c requirements/constraints.txt -e '.[search]'")
