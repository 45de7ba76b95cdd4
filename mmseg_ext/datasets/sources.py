"""Where the files of a data set are: a folder in the project's layout, or the loaders of a config."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.datasets.meta import read_meta
from mmseg_ext.datasets.pairs import Matching, match_pairs
from mmseg_ext.datasets.problems import Problem
from mmseg_ext.errors import UsageError

SPLITS = ('train', 'val', 'test')
PAIRED = ('PromptPairDataset',)  # makes samples of its own out of the data sets in it


@dataclass
class DataSource:
    """What there is to check. ``classes`` None: to be found from the masks."""

    name: str
    splits: dict[str, Matching]
    classes: tuple[str, ...] | None = None
    ignore_index: int = 255
    problems: list[Problem] = field(default_factory=list)


def from_folder(folder: Path) -> DataSource:
    """The splits below ``img_dir`` and ``ann_dir``; class names from ``meta.json`` where there is one."""
    meta = read_meta(folder)
    present = {
        path.name for part in ('img_dir', 'ann_dir') for path in (folder / part).glob('[!.]*') if path.is_dir()
    }
    names = [name for name in SPLITS if name in present] + sorted(present - set(SPLITS))
    splits = {name: match_pairs(folder / 'img_dir' / name, folder / 'ann_dir' / name) for name in names}
    source = DataSource(folder.resolve().name, splits, meta.get('classes'), meta.get('ignore_index', 255))
    if not names:
        cure = 'arrange the files as img_dir/{train,val,test} and ann_dir/{train,val,test}'
        source.problems.append(Problem(str(folder), 'no split in it', cure))
    return source


def from_config(path: Path, swaps: Sequence[str] = ()) -> DataSource:
    """The data sets of a config's three loaders, built without reading their files."""
    from mmseg_ext.engine.overrides import load_config  # here, so that a folder is checked without the engine

    cfg = load_config(path, swaps)
    _refuse_pairs(path, cfg)
    built = {
        name: [_build(path, leaf) for leaf in dataset_leaves(cfg.get(f'{name}_dataloader'))] for name in SPLITS
    }
    built = {name: datasets for name, datasets in built.items() if datasets}
    if not built:
        raise UsageError(f'{path}: none of train_dataloader, val_dataloader, test_dataloader; give a recipe')
    classes = {name: tuple(datasets[0].metainfo.get('classes', ())) for name, datasets in built.items()}
    first = next(iter(built))
    return DataSource(
        name=Path(built[first][0].data_root or path.stem).name,
        splits={name: _merged(map(_match, datasets)) for name, datasets in built.items()},
        classes=classes[first],
        ignore_index=built[first][0].ignore_index,
        problems=_disagreements(path, cfg, classes),
    )


def _refuse_pairs(path: Path, cfg: Config) -> None:
    """Pairs have no masks of their own: their sets are checked, each with its own classes."""
    leaves = [leaf for name in SPLITS for leaf in dataset_leaves(cfg.get(f'{name}_dataloader'))]
    roots = [part.get('data_root') for leaf in leaves if leaf.get('type') in PAIRED for part in paired(leaf)]
    if roots:
        said = ', '.join(map(str, dict.fromkeys(roots)))
        raise UsageError(f'{path}: pairs of photographs of other sets; check those, each by its folder: {said}')


def _merged(matchings: Iterable[Matching]) -> Matching:
    merged = Matching()
    for matching in matchings:
        merged.pairs += matching.pairs
        merged.problems += matching.problems
    return merged


def _disagreements(path: Path, cfg: Config, classes: dict[str, tuple[str, ...]]) -> list[Problem]:
    """Splits with other classes, and ``num_classes`` that is not their number."""
    first = next(iter(classes.values()))
    problems = [
        Problem(str(path), f'{name} has the classes {names}, not {first}', 'give all splits the same classes')
        for name, names in classes.items()
        if names != first
    ]
    if cfg.get('num_classes', len(first)) != len(first):
        what = f'num_classes = {cfg.num_classes}, but its data set has {len(first)} classes'
        problems.append(Problem(str(path), what, 'correct num_classes or the class names'))
    return problems


def dataset_leaves(cfg: ConfigDict | None) -> Iterator[ConfigDict]:
    """The configs of the data sets inside a loader and inside wrappers (RepeatDataset, ConcatDataset).

    One of ``PAIRED`` is no wrapper but a data set: classes and pipeline are its own.
    """
    inner = cfg and cfg.get('type') not in PAIRED and (cfg.get('dataset') or cfg.get('datasets'))
    if cfg and not inner:
        yield cfg
    for child in inner if isinstance(inner, list | tuple) else filter(None, [inner]):
        yield from dataset_leaves(child)


def paired(cfg: ConfigDict) -> list[ConfigDict]:
    """The configs of the data sets that one of ``PAIRED`` takes queries and prompts from."""
    parts = filter(None, (cfg.get('datasets'), cfg.get('prompts')))
    return [each for part in parts for each in (part if isinstance(part, list | tuple) else [part])]


def mapping_files(cfg: ConfigDict) -> list[Path]:
    """The files that say, for one of ``PAIRED``, who is asked by whom."""
    mapping = cfg.get('mapping') or []
    return [Path(each) for each in ([mapping] if isinstance(mapping, str) else mapping)]


def _build(path: Path, cfg: ConfigDict) -> BaseSegDataset:
    try:
        return DATASETS.build({**cfg, 'pipeline': [], 'lazy_init': True})
    except (ValueError, TypeError, KeyError, AssertionError) as error:
        raise UsageError(f'{path}: {cfg.get("type")}: {error}') from error


def _match(dataset: BaseSegDataset) -> Matching:
    """Pairs of ours as it matches them; of another mmseg data set, by the same rule."""
    if isinstance(dataset, CheckedSegDataset):
        return dataset.matching()
    folders = dataset.data_prefix.get('img_path', ''), dataset.data_prefix.get('seg_map_path')
    return match_pairs(*folders, dataset.img_suffix, dataset.seg_map_suffix)
