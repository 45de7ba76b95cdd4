"""The data sets and the pipeline that a PromptPairDataset is made of, and what is wrong with its arguments."""

import copy
from collections.abc import Sequence

from mmseg.registry import DATASETS

from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.errors import UsageError, near

PACK = 'PackSegInputs'
OWNER = 'PromptPairDataset'


def split_pipeline(pipeline: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Steps for each image, and those from packing on; of which there is at least one."""
    steps = list(pipeline)
    place = next((index for index, step in enumerate(steps) if step['type'] == PACK), len(steps))
    return steps[:place], steps[place:] or [dict(type=PACK)]


def build_sources(configs: dict | Sequence[dict], pipeline: Sequence[dict]) -> list[CheckedSegDataset]:
    """The data sets, whose files are not read yet. UsageError for none, or for one that this cannot work on."""
    built = []
    for config in [configs] if isinstance(configs, dict) else configs:
        if 'pipeline' in config:
            raise UsageError(f'{OWNER}: {config["type"]} has a pipeline; state it beside datasets, for all images')
        built.append(DATASETS.build(dict(config, pipeline=copy.deepcopy(list(pipeline)), lazy_init=True)))
        if not isinstance(built[-1], CheckedSegDataset):
            raise UsageError(f'{OWNER}: {config["type"]} is no CheckedSegDataset; derive it from that')
    if not built:
        raise UsageError(f'{OWNER}: no datasets; give the config of one, or a list')
    return built


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise UsageError for a value that is none of the choices."""
    if value not in choices:
        raise UsageError(f'{OWNER}: {name}={value!r}; give one of {", ".join(choices)}')


def check_counts(**counts: int | None) -> None:
    """Raise UsageError for a number below one."""
    for name, value in counts.items():
        if value is not None and value < 1:
            raise UsageError(f'{OWNER}: {name}={value}; give 1 or more')


def check_ways(pair_mode: str, negative_ratio: float, mapping: str | Sequence[str] | None) -> None:
    """Raise UsageError for arguments that contradict each other."""
    if not 0 <= negative_ratio <= 1:
        raise UsageError(f'{OWNER}: negative_ratio={negative_ratio}; give a share in 0..1')
    if pair_mode == 'any' and negative_ratio:
        raise UsageError(f"{OWNER}: negative_ratio={negative_ratio} needs types; set it to 0 with pair_mode='any'")
    if (pair_mode == 'mapping') != bool(mapping):
        raise UsageError(f"{OWNER}: mapping={mapping!r} with pair_mode={pair_mode!r}; a file belongs to 'mapping'")


def check_types(known: Sequence[str], **options: frozenset[str] | None) -> None:
    """Raise UsageError for a type that no set has."""
    for option, names in options.items():
        for name in sorted(names or ()):
            if name not in known:
                raise UsageError(f'{OWNER}: {option}: no type "{name}"; did you mean {near(name, known)}?')


def check_alike(sources: Sequence[CheckedSegDataset]) -> None:
    """Raise UsageError for sets of different classes, whose masks could not be compared."""
    classes = {tuple(source.metainfo['classes']) for source in sources}
    if len(classes) > 1:
        said = ' and '.join(map(str, sorted(classes)))
        raise UsageError(f'{OWNER}: pair_mode="any" keeps mask values, but the sets have the classes {said}')
