"""From the command line to a checked plan: everything that can be known before the model is loaded."""

import os
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from augment.config.flags import PRESET, settings_from
from augment.config.settings import EditSettings
from augment.dataset.outset import check_free, slug
from augment.dataset.runfile import check_same, describe_run
from augment.dataset.shard import Shard, parse_shard
from augment.dataset.source import Item, Source, check_stems, data_root, open_folders, open_set, selected
from augment.errors import UsageError
from augment.job.options import asked_words, check_together
from augment.sdxl.source import POCKET, TINY, ModelSource


@dataclass(frozen=True)
class Plan:
    """``items`` are the photographs of all shards together; ``roots`` the set of each word."""

    args: Namespace
    source: Source
    items: tuple[Item, ...]
    words: tuple[str, ...]
    roots: dict[str, Path]
    settings: EditSettings
    shard: Shard

    @property
    def is_trial(self) -> bool:
        """Whether the model's weights are random."""
        return self.args.model == TINY

    @property
    def is_pocket(self) -> bool:
        """Whether it is the small model of rendered defects."""
        return self.args.model == POCKET

    @property
    def own_items(self) -> tuple[Item, ...]:
        """Those of this shard."""
        return tuple(item for item in self.items if item.stem in self.shard)

    @property
    def sets(self) -> dict[Path, list[str]]:
        """The folders that are made, and the words of each."""
        found: dict[Path, list[str]] = {}
        for word, root in self.roots.items():
            found.setdefault(root, []).append(word)
        return found

    @cached_property
    def model(self) -> ModelSource:
        """The model that was asked for."""
        return _model(self.args)

    def run_of(self, root: Path, identity: dict[str, Any] | None = None) -> dict[str, Any]:
        """What run.json of a set says; ``identity`` is known once the model is loaded."""
        model = identity or {'name': self.args.model, 'variant': self.args.variant}
        stems = [item.stem for item in self.items]
        return describe_run(self.settings, self.source, model, self.sets[root], stems)


def make_plan(args: Namespace) -> Plan:
    """Check the arguments, the folders and the settings. Raises UsageError or DataError."""
    check_together(args)
    words, source = asked_words(args), _source(args)
    check_stems(source, [slug(word) for word in words])
    settings = _settings(args)
    shard = parse_shard(args.shard) if args.shard else Shard()
    roots = _roots(args, source, words)
    plan = Plan(args, source, selected(source, args.ids, args.limit), words, roots, settings, shard)
    for root in plan.sets:
        check_free(root, source.images)
        if not args.overwrite:
            check_same(root, plan.run_of(root), loaded=False)
    return plan


def _settings(args: Namespace) -> EditSettings:
    labelled = not args.img_dir or bool(args.ann_dir)
    preset = POCKET if args.model == POCKET else PRESET
    return settings_from(args, labelled, args.model == TINY, preset)


def _model(args: Namespace) -> ModelSource:
    return ModelSource(args.model, args.lora, args.vae, args.variant, args.offline)


def _source(args: Namespace) -> Source:
    if args.img_dir:
        return open_folders(args.img_dir, args.ann_dir, args.classes)
    return open_set(args.data or data_root() / 'wta_512', args.split, args.classes)


def _roots(args: Namespace, source: Source, words: Sequence[str]) -> dict[str, Path]:
    """One set for all words with --out, else one a word beside the data set, or in the data root.

    The noise of a trial does not take the name of the set that is trained on.
    """
    if args.out:
        return dict.fromkeys(words, args.out)
    beside = Path(os.path.normpath(args.data / '..')) if args.data else data_root()
    end = '_trial' if args.model == TINY else ''
    return {word: beside / f'{source.name}_{slug(word)}{end}' for word in words}


def check_prompts(args: Namespace) -> None:
    """Raise UsageError for prompts that cannot be edited as asked: too long, without the word, of unequal length.

    Only the model's vocabulary is read for this.
    """
    from augment.attention.align import align
    from augment.sdxl.loader import load_tokenizers

    settings, (tokenizer, _) = _settings(args), load_tokenizers(_model(args))
    for word in asked_words(args):
        target, factors = settings.target_prompt(word), {word: settings.control.equalizer}
        try:
            align(tokenizer, settings.source_prompt, target, settings.control.mode, factors)
        except UsageError as error:
            raise UsageError(f'--word {word}: {error}') from error


def explanation(args: Namespace) -> str:
    """What the prompts make the model do; no data set is needed for it."""
    from augment.editing.explain import explain
    from augment.sdxl.loader import load_factor, load_tokenizers, load_unet_config

    settings, model = _settings(args), _model(args)
    config, factor = load_unet_config(model), load_factor(model)
    side = settings.crop.resolution // factor or config['sample_size']
    return explain(settings, asked_words(args), load_tokenizers(model), config, (side, side), factor)
