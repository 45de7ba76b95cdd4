"""Pairs of a photograph and a prompt: another photograph whose mask shows what is asked for."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.structures import PixelData
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.datasets.prompt_choice import PromptPair, PromptPool, test_pairs
from mmseg_ext.datasets.prompt_images import Aim, Seen, check_one_size, of_one_size, see
from mmseg_ext.datasets.prompt_types import ANYTHING, Photograph, check_type_by, known_types, photographs, showing
from mmseg_ext.errors import DataError, UsageError, near

ATTEMPTS = 10
PACK = 'PackSegInputs'
MODES = ('type', 'any')


@DATASETS.register_module()
class PromptPairDataset(Dataset):
    """Queries with prompts of the same type of defect, and with prompts of types that are not there.

    A sample is what PackSegInputs gives of the query, with ``gt_sem_seg`` (1, H, W) 1 on what the prompt asks for,
    255 on ignored pixels and 0 elsewhere, all 0 for a negative pair; beside it ``prompt_img`` (3k, h, w) uint8
    BGR, the k prompts on top of each other, and ``prompt_sem_seg`` (k, h, w) with the same values. When testing
    also ``own_sem_seg`` (1, H, W): any defect of the query. Its metainfo says ``query_type`` (all types of the
    query), ``prompt_type``, ``positive`` (whether the query, as cropped, shows it) and ``prompt_paths``.

    In training item i is a type, taken in turn so that the rarest comes as often as any, and one of its
    photographs in turn; prompts are drawn by numpy's global generator, which mmengine seeds in every worker. A
    DefectCrop in the pipeline is put on what is asked for, in a prompt always. When testing the pairs are listed
    once, by ``seed`` alone, so that any number of processes judges the same ones. No list of all pairs is kept.

    Args:
        datasets: Config of the data set, or of several; CheckedSegDatasets without a pipeline. Class names in a
            set's ``metainfo`` rename its types; equal names in several sets are one type.
        pipeline: For one image, query and prompt alike; steps from PackSegInputs on are for the query only.
        pair_mode: 'type', or 'any' (any other photograph; masks keep the classes of the set).
        negative_ratio: Share of training items asked for a type that the query does not show, 0..1. When testing
            any share above 0 adds a negative pair to each positive one.
        top_k: Prompts a query.
        types: Queries are taken and asked for these types only; negative prompts may be of others.
        hold_out: Photographs that show one of these types are left out altogether.
        type_by: 'class' of the mask, or 'prefix' of the file name (see ``prompt_types``).
        prompts: Config of the data sets that prompts come from, such as those of training; None: ``datasets``.
        length: Training items an epoch; None: as many as show every type's photographs at least once.
        seed: Of the list of test pairs.
        min_pixels: Pixels of its type that the crop of a prompt should show, if there are so many.
        test_mode: List the pairs instead of drawing them.
        lazy_init: Do not read files before ``full_init``.

    Raises:
        UsageError: an argument out of its range, an unknown type.
        DataError: whatever the sets raise; no photograph left; too few prompts of a type.
    """

    METAINFO = {'classes': ('background', 'defect'), 'palette': [[0, 0, 0], [255, 0, 0]]}

    def __init__(
        self,
        datasets: dict | Sequence[dict],
        pipeline: Sequence[dict] = (),
        pair_mode: str = 'type',
        negative_ratio: float = 0.0,
        top_k: int = 1,
        types: Sequence[str] | None = None,
        hold_out: Sequence[str] | None = None,
        type_by: str = 'class',
        prompts: dict | Sequence[dict] | None = None,
        length: int | None = None,
        seed: int = 0,
        min_pixels: int = 16,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        check_type_by(type_by)
        _check_numbers(pair_mode, negative_ratio, top_k, length, min_pixels)
        before, after = _split(pipeline)
        self.sources = _built(datasets, before)
        self.prompt_sources = self.sources if prompts is None else _built(prompts, before)
        self.pack = Compose(after)
        self.pair_mode, self.negative_ratio, self.top_k, self.type_by = pair_mode, negative_ratio, top_k, type_by
        self.types, self.hold_out = types and frozenset(types), frozenset(hold_out or ())
        self.length, self.seed, self.min_pixels, self.test_mode = length, seed, min_pixels, test_mode
        if type_by == 'class':
            self._check_types(known_types([*self.sources, *self.prompt_sources]))
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    @property
    def metainfo(self) -> dict[str, Any]:
        """Background and defect; with ``pair_mode='any'`` what the first of the sets says."""
        return self.sources[0].metainfo if self.pair_mode == 'any' else copy.deepcopy(self.METAINFO)

    def full_init(self) -> None:
        """Read which photograph shows what, and list the pairs to test on."""
        if self._fully_initialized:
            return
        queries = self._photographs(self.sources)
        shared = self.prompt_sources is self.sources
        self.pool = PromptPool(queries if shared else self._photographs(self.prompt_sources))
        if self.type_by == 'prefix':
            self._check_types({name for each in (*queries, *self.pool.photographs) for name in each.names})
        self._list(queries)
        self._fully_initialized = True

    def _photographs(self, sources: Sequence[CheckedSegDataset]) -> list[Photograph]:
        found = [each for source in sources for each in photographs(source, self.type_by)]
        if self.pair_mode == 'any':
            return [replace(each, types={ANYTHING: ()}) for each in found]
        return [each for each in found if not each.names & self.hold_out]

    def _list(self, queries: list[Photograph]) -> None:
        """The pairs to test on, or the photographs that training goes through, by their types."""
        self.turns: dict[str, list[Photograph]] = {}
        self.pairs: list[PromptPair] = []
        if self.test_mode:
            negatives = self.negative_ratio > 0
            self.pairs = test_pairs(queries, self.pool, self.types, self.top_k, negatives, self.seed)
        else:
            chosen = PromptPool(queries).by_type
            self.turns = {name: chosen[name] for name in sorted(chosen) if not self.types or name in self.types}
        if not self.pairs and not self.turns:
            wanted = f' of the types {sorted(self.types)}' if self.types else ''
            raise DataError(
                f'PromptPairDataset: no photograph{wanted} to ask; correct types, hold_out or datasets'
            )

    def __len__(self) -> int:
        """Pairs to test on, or training items."""
        self.full_init()
        if self.test_mode:
            return len(self.pairs)
        return self.length or len(self.turns) * max(map(len, self.turns.values()))

    def get_data_info(self, index: int) -> dict:
        """What the query's own set knows of it."""
        self.full_init()
        query = self.pairs[index].query if self.test_mode else self._turn(index)[1]
        return query.source.get_data_info(query.index)

    def __getitem__(self, index: int) -> dict:
        """The packed sample."""
        self.full_init()
        for _ in range(ATTEMPTS):
            pair = self.pairs[index] if self.test_mode else self._draw(index)
            prompts = [self._prompt(prompt, pair.asked) for prompt in pair.prompts]
            if self.test_mode or self.pair_mode == 'any' or all((each.target == 1).any() for each in prompts):
                return self._packed(pair, self._query(pair), prompts)
        raise DataError(
            f'{pair.prompts[0].path}: nothing of "{pair.asked}" is left of it behind the pipeline, nor of the '
            f'{ATTEMPTS - 1} prompts tried before it; let the pipeline shrink images less'
        )

    def _turn(self, index: int) -> tuple[str, Photograph]:
        """The type of a training item and the photograph of it: all types in turn, each through all of its own."""
        lap, place = divmod(index, len(self.turns))
        name = list(self.turns)[place]
        return name, self.turns[name][lap % len(self.turns[name])]

    def _draw(self, index: int) -> PromptPair:
        """The pair of a training item; positive where no other type could be asked for."""
        name, query = self._turn(index)
        negative = None
        if np.random.random_sample() < self.negative_ratio:
            negative = self.pool.negative(query, self.top_k, np.random)
        return negative or self.pool.positive(query, name, self.top_k, np.random)

    def _query(self, pair: PromptPair) -> Seen:
        """A DefectCrop aims at what is asked for; in a negative pair at any defect."""
        asked = pair.query.types.get(pair.asked, ())
        if self.pair_mode == 'any':
            return see(pair.query, None, None)
        return see(pair.query, Aim(asked or None), asked)

    def _prompt(self, prompt: Photograph, asked: str) -> Seen:
        if self.pair_mode == 'any':
            return see(prompt, Aim(None, True, self.min_pixels), None)
        values = prompt.types[asked]
        return see(prompt, Aim(values, True, self.min_pixels), values)

    def _packed(self, pair: PromptPair, query: Seen, prompts: Sequence[Seen]) -> dict:
        if not self.test_mode:
            check_one_size(query, prompts)
        own = showing(query.results['gt_seg_map'], [v for values in pair.query.types.values() for v in values])
        packed = self.pack({**query.results, 'gt_seg_map': query.target})
        images, targets = zip(*of_one_size(prompts), strict=True)
        sample = packed['data_samples']
        sample.prompt_img = _field(np.concatenate([image.transpose(2, 0, 1) for image in images]))
        sample.prompt_sem_seg = _field(np.stack(targets).astype(np.int64))
        if self.test_mode:
            sample.own_sem_seg = _field(own[None].astype(np.int64))
        shown = pair.positive if self.test_mode or self.pair_mode == 'any' else bool((query.target == 1).any())
        sample.set_metainfo(
            dict(
                query_type=tuple(sorted(pair.query.names)),
                prompt_type=pair.asked,
                positive=shown,
                prompt_paths=tuple(prompt.path for prompt in pair.prompts),
            )
        )
        return packed

    def _check_types(self, known: Sequence[str]) -> None:
        """Raise UsageError for a type that no set has."""
        for option, names in (('types', self.types), ('hold_out', self.hold_out)):
            for name in sorted(names or ()):
                if name not in known:
                    raise UsageError(
                        f'PromptPairDataset: {option}: no type "{name}"; did you mean {near(name, known)}?'
                    )


def _field(values: np.ndarray) -> PixelData:
    return PixelData(data=torch.from_numpy(np.ascontiguousarray(values)))


def _split(pipeline: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Steps for each image, and those from packing on."""
    steps = list(pipeline)
    place = next((index for index, step in enumerate(steps) if step['type'] == PACK), len(steps))
    return steps[:place], steps[place:] or [dict(type=PACK)]


def _built(configs: dict | Sequence[dict], pipeline: Sequence[dict]) -> list[CheckedSegDataset]:
    """The data sets, whose files are not read yet."""
    built = []
    for config in [configs] if isinstance(configs, dict) else configs:
        if 'pipeline' in config:
            raise UsageError(
                'PromptPairDataset: its datasets have no pipeline of their own; state it beside datasets'
            )
        built.append(DATASETS.build(dict(config, pipeline=copy.deepcopy(list(pipeline)), lazy_init=True)))
        if not isinstance(built[-1], CheckedSegDataset):
            raise UsageError(
                f'PromptPairDataset: takes CheckedSegDatasets and those derived from it, not {config["type"]}'
            )
    if not built:
        raise UsageError('PromptPairDataset: no datasets; give the config of one, or a list')
    return built


def _check_numbers(pair_mode: str, negative_ratio: float, top_k: int, length: int | None, min_pixels: int) -> None:
    if pair_mode not in MODES:
        raise UsageError(f'PromptPairDataset: pair_mode={pair_mode!r}; give one of {", ".join(MODES)}')
    if not 0 <= negative_ratio <= 1:
        raise UsageError(f'PromptPairDataset: negative_ratio={negative_ratio}; give a share in 0..1')
    if pair_mode == 'any' and negative_ratio:
        raise UsageError('PromptPairDataset: negative_ratio needs types; leave it out with pair_mode="any"')
    for name, value in dict(top_k=top_k, length=1 if length is None else length, min_pixels=min_pixels).items():
        if value < 1:
            raise UsageError(f'PromptPairDataset: {name}={value}; give 1 or more')
