"""Pairs of a photograph and a prompt: another photograph whose mask shows what is asked for."""
# ruff: noqa: NPY002 - the legacy generator is the one that mmengine seeds in every worker

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import Compose
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from mmseg_ext.datasets.checked import CheckedSegDataset
from mmseg_ext.datasets.prompt_choice import PromptPair, PromptPool, by_type, drawn, fixed_pairs, open_pairs
from mmseg_ext.datasets.prompt_images import Aim, Seen, check_one_size, own_field, prompt_fields, see
from mmseg_ext.datasets.prompt_mapping import Names, mapped_pairs, write_pairs
from mmseg_ext.datasets.prompt_sources import (
    build_sources,
    check_alike,
    check_choice,
    check_counts,
    check_types,
    check_ways,
    split_pipeline,
)
from mmseg_ext.datasets.prompt_types import ANYTHING, TYPE_BY, Photograph, known_types, photographs
from mmseg_ext.errors import DataError, UsageError

ATTEMPTS = 10
MODES = ('type', 'any', 'mapping')


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
        pair_mode: 'type'; 'any' (any other photograph, and masks keep the classes of the set); 'mapping' (a file
            says who is asked by whom; see ``prompt_mapping``).
        negative_ratio: Share of training items asked for a type that the query does not show, 0..1. When testing
            any share above 0 adds a negative pair to each positive one; a mapping says by itself which there are.
        top_k: Prompts a query.
        types: Queries are taken and asked for these types only; negative prompts may be of others.
        hold_out: Photographs that show one of these types are left out altogether.
        type_by: 'class' of the mask, or 'prefix' of the file name (see ``prompt_types``).
        prompts: Config of the data sets that prompts come from, such as those of training; None: ``datasets``.
        mapping: JSON file of ``pair_mode='mapping'``, or several, such as one of positive, one of negative pairs.
            A test takes the first ``top_k`` prompts of a query, training draws so many of them.
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
        mapping: str | Sequence[str] | None = None,
        length: int | None = None,
        seed: int = 0,
        min_pixels: int = 16,
        test_mode: bool = False,
        lazy_init: bool = False,
    ) -> None:
        check_choice('type_by', type_by, TYPE_BY)
        check_choice('pair_mode', pair_mode, MODES)
        check_counts(top_k=top_k, length=length, min_pixels=min_pixels)
        check_ways(pair_mode, negative_ratio, mapping)
        before, after = split_pipeline(pipeline)
        self.sources = build_sources(datasets, before)
        self.prompt_sources = self.sources if prompts is None else build_sources(prompts, before)
        self.pack = Compose(after)
        self.pair_mode, self.negative_ratio, self.top_k, self.type_by = pair_mode, negative_ratio, top_k, type_by
        self.types, self.hold_out = frozenset(types or ()), frozenset(hold_out or ())
        self.mapping = [mapping] if isinstance(mapping, str) else mapping
        self.length, self.seed, self.min_pixels, self.test_mode = length, seed, min_pixels, test_mode
        if pair_mode == 'any':
            check_alike(self.parts)
        if type_by == 'class':
            self._check_types(known_types(self.parts))
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    @property
    def parts(self) -> list[CheckedSegDataset]:
        """The data sets of queries and of prompts, each once."""
        shared = self.prompt_sources is self.sources
        return [*self.sources, *([] if shared else self.prompt_sources)]

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
        prompts = queries if shared else self._photographs(self.prompt_sources)
        if self.type_by == 'prefix':
            self._check_types({name for each in (*queries, *prompts) for name in each.names})
        self.names = Names(queries), Names(prompts)
        self.pool = PromptPool(self._allowed(prompts))
        self.pairs = self._listed(queries, prompts)
        self.turns = {} if self.test_mode else by_type(self.pairs)
        if not self.pairs:
            wanted = f' of the types {sorted(self.types)}' if self.types else ''
            raise DataError(f'{type(self).__name__}: no query{wanted}; correct types, hold_out or datasets')
        self._fully_initialized = True

    def _check_types(self, known: Sequence[str]) -> None:
        check_types(known, types=self.types, hold_out=self.hold_out)

    def _photographs(self, sources: Sequence[CheckedSegDataset]) -> list[Photograph]:
        found = [each for source in sources for each in photographs(source, self.type_by)]
        return [replace(each, types={ANYTHING: ()}) for each in found] if self.pair_mode == 'any' else found

    def _allowed(self, found: Sequence[Photograph]) -> list[Photograph]:
        return [each for each in found if self._are_allowed(each)]

    def _are_allowed(self, *found: Photograph) -> bool:
        return not any(each.names & self.hold_out for each in found)

    def _listed(self, queries: list[Photograph], prompts: list[Photograph]) -> list[PromptPair]:
        """The pairs of the mapping, or those to test on, or queries for which training draws the prompts."""
        if self.pair_mode == 'mapping':
            pairs = mapped_pairs(self.mapping, queries, prompts, self.top_k, first=self.test_mode)
            pairs = [pair for pair in pairs if self._are_allowed(pair.query, *pair.prompts)]
            return [pair for pair in pairs if not self.types or pair.asked in self.types]
        queries, negatives = self._allowed(queries), self.negative_ratio > 0
        if not self.test_mode:
            return open_pairs(queries, self.types)
        return fixed_pairs(queries, self.pool, self.types, self.top_k, negatives, self.seed)

    def write_mapping(self, path: str | Path, positive: bool = True) -> None:
        """Write the test pairs, the positive or the negative ones, for ``pair_mode='mapping'`` here or elsewhere.

        Raises UsageError in training, where pairs are drawn, and where there are no such pairs.
        """
        self.full_init()
        if not self.test_mode:
            raise UsageError(f'{path}: training draws its pairs; write those of a data set in test_mode')
        write_pairs(path, [pair for pair in self.pairs if pair.positive == positive], *self.names)

    def __len__(self) -> int:
        """Pairs to test on, or training items."""
        self.full_init()
        if self.test_mode:
            return len(self.pairs)
        return self.length or len(self.turns) * max(map(len, self.turns.values()))

    def get_data_info(self, index: int) -> dict:
        """What the query's own set knows of it."""
        self.full_init()
        query = (self.pairs[index] if self.test_mode else self._turn(index)).query
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

    def _turn(self, index: int) -> PromptPair:
        """Type and query of a training item: all types in turn, each through all of its own."""
        lap, place = divmod(index, len(self.turns))
        turns = list(self.turns.values())[place]
        return turns[lap % len(turns)]

    def _draw(self, index: int) -> PromptPair:
        """The pair of a training item; positive where no other type could be asked for."""
        query, asked, prompts = (turn := self._turn(index)).query, turn.asked, turn.prompts
        negative = None
        if np.random.random_sample() < self.negative_ratio:
            negative = self.pool.negative(query, self.top_k, np.random)
        if negative or not prompts:
            return negative or self.pool.positive(query, asked, self.top_k, np.random)
        return drawn(query, asked, prompts, self.top_k, np.random)

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
        packed = self.pack({**query.results, 'gt_seg_map': query.target})
        fixed = self.test_mode or self.pair_mode == 'any'
        fields = prompt_fields(prompts) | (dict(own_sem_seg=own_field(query)) if self.test_mode else {})
        packed['data_samples'].set_data(fields)
        packed['data_samples'].set_metainfo(
            dict(
                query_type=tuple(sorted(pair.query.names)),
                prompt_type=pair.asked,
                positive=pair.positive if fixed else bool((query.target == 1).any()),
                prompt_paths=tuple(prompt.path for prompt in pair.prompts),
            )
        )
        return packed
