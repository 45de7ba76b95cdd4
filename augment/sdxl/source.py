"""Where a model comes from, and its small files: configurations and vocabularies, without weights."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from augment.errors import UsageError

BASE = 'stabilityai/stable-diffusion-xl-base-1.0'
TINY = 'tiny-random'
POCKET = 'pocket'
POCKET_FOLDER = Path(__file__).parents[2] / 'data' / 'pocket_sdxl'  # comes with the code
CONFIG_FILES = (
    'model_index.json',
    '*/config.json',
    '*/*_config.json',
    '*/tokenizer.json',
    '*/vocab.json',
    '*/merges.txt',
    '*/special_tokens_map.json',
)


@dataclass(frozen=True)
class ModelSource:
    """A stable diffusion XL and what is changed in it.

    Args:
        name: Hub id, folder in diffusers' layout, one ``.safetensors`` file, ``pocket`` or ``tiny-random``.
        lora: Low-rank weights added to the model: hub id, folder or ``.safetensors`` file.
        vae: Autoencoder in place of the model's own: hub id, folder or ``.safetensors`` file.
        variant: Of weights that lie there more than once, such as ``fp16``.
        offline: Use what is on this machine, ask no network.
        lora_scale: Factor of the low-rank weights.
    """

    name: str = BASE
    lora: str | None = None
    vae: str | None = None
    variant: str | None = None
    offline: bool = False
    lora_scale: float = 1.0

    @property
    def kind(self) -> str:
        """``tiny``, ``folder``, ``file`` or ``hub``."""
        return 'tiny' if self.name == TINY else kind(self.name)


def kind(name: str) -> str:
    """``folder``, ``file`` or ``hub``; raises UsageError for what is none of them."""
    path = local(name)
    if path.is_dir():
        return 'folder'
    if name == POCKET:
        raise UsageError(f'{path}: no such folder; python augment/train_pocket.py --out {path} makes one')
    if path.suffix == '.safetensors' and path.is_file():
        return 'file'
    if path.suffix in ('.ckpt', '.pt', '.pth', '.bin'):
        raise UsageError(f'{name}: pickled weights can run code and are not loaded; convert them to .safetensors')
    if path.suffix == '.safetensors' or not re.fullmatch(r'\w[\w.-]*/[\w.-]+', name):
        raise UsageError(f'{name}: no such folder or .safetensors file, and no hub id, which reads owner/name')
    return 'hub'


def local(name: str) -> Path:
    """``name`` as a path, with ~ for the home; ``pocket`` is the model that comes with the code."""
    return POCKET_FOLDER if name == POCKET else Path(name).expanduser()


def wanted(variant: str | None = None, top: bool = False) -> tuple[list[str], list[str]]:
    """Patterns of the files of a hub model that are loaded, and of those among them that are not.

    ``top``: weights lie at the top of the repository, not in a folder for each part.
    """
    if top:
        return ['*.json', '*.safetensors'], []
    if variant:
        return ['*.json', '*.txt', f'*/*.{variant}*.safetensors'], []
    return ['*.json', '*.txt', '*/*.safetensors'], ['*/*.*.safetensors']


def download_command(name: str, included: Iterable[str], excluded: Iterable[str] = ()) -> str:
    """The command line that fetches these files of hub model ``name`` to where the loader looks."""
    options = [f'--include "{pattern}"' for pattern in included] + [
        f'--exclude "{pattern}"' for pattern in excluded
    ]
    return ' '.join(['hf download', name, *options])


def fetch(
    what: str, name: str, offline: bool, included: Iterable[str], excluded: Iterable[str] = (), command: str = ''
) -> Path:
    """The folder on this machine with these files of hub model ``name``, downloaded unless ``offline``.

    Raises UsageError with the command that gets them.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    included, excluded = list(included), list(excluded)
    command = command or download_command(name, included, excluded)
    try:
        with missing(f'{what} {name}', command, but=(LocalEntryNotFoundError, RepositoryNotFoundError)):
            patterns = dict(allow_patterns=included, ignore_patterns=excluded)
            return Path(snapshot_download(name, local_files_only=offline, **patterns))
    except LocalEntryNotFoundError as error:
        why = '' if offline else ', and the hub cannot be reached'
        raise UsageError(f'{what} {name} is not on this machine{why}; get it with: {command}') from error
    except RepositoryNotFoundError as error:
        raise UsageError(f'the hub shows no model {name}; if it is private or gated: hf auth login') from error


def resolve(what: str, name: str, offline: bool, variant: str | None = None, top: bool = False) -> Path:
    """File or folder with the weights of ``name``, whichever way they are named."""
    if kind(name) != 'hub':
        return local(name)
    return fetch(what, name, offline, *wanted(variant, top), command=cure(name, variant, top))


def cure(name: str, variant: str | None = None, top: bool = False) -> str:
    """The command that gets all weights of ``name``, and what else to try; empty for what is no hub id."""
    instead = f'; or try the small model of rendered defects that comes with the code: --model {POCKET}'
    command = download_command(name, *wanted(variant, top)) if kind(name) == 'hub' else ''
    return command + instead * (name == BASE)


@contextmanager
def missing(name: str, command: str = '', but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn what the libraries raise for absent or unreadable files into one line with the cure; ``but`` some."""
    try:
        yield
    except (UsageError, *but):
        raise
    except Exception as error:  # the hub, diffusers, transformers and safetensors each have their own
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        cause = lines[0] if lines else type(error).__name__
        cure = f'; get it with: {command}' if command else ''
        raise UsageError(f'{name} could not be loaded ({cause}){cure}') from error


def config_folder(source: ModelSource) -> Path:
    """Folder with the model's configurations and vocabularies; weights need not be there.

    For a single file: the folder that it lies in, where that has them, else those of the base model, with which
    such files share them. From the hub a megabyte or two is downloaded once, unless ``offline``.
    """
    path = local(source.name)
    if source.kind == 'folder':
        return path
    if source.kind == 'file':
        beside = path.parent
        has_them = (beside / 'model_index.json').is_file()
        return beside if has_them else fetch('the configuration', BASE, source.offline, CONFIG_FILES)
    return fetch('model', source.name, source.offline, CONFIG_FILES, command=cure(source.name, source.variant))
