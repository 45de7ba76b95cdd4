"""A plan carried out: the sets opened and locked, the model loaded, the loop, the report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from augment.dataset.locks import working_on
from augment.dataset.manifest import Journal
from augment.dataset.outset import clear
from augment.dataset.runfile import save_run
from augment.errors import UsageError
from augment.files import write_json
from augment.job.attempts import Attempts
from augment.job.closing import how_to_merge, how_to_train, places, reported, summary
from augment.job.judging import Judge
from augment.job.plan import Plan
from augment.job.progress import Screen
from augment.job.runner import Runner
from augment.job.saving import writing_to
from augment.job.work import Keeping, Work

if TYPE_CHECKING:
    from augment.editing.runtime import Runtime
    from augment.job.studio import Studio

FAILED = 3  # the exit code when an edit has failed


def execute(plan: Plan, studio: Callable[[Plan, Console], tuple[Studio, Runtime]] | None = None) -> int:
    """Do what is left of the plan; 0, or 3 when an edit has failed.

    ``studio`` makes the model and the runtime, by default the ones that were asked for. After Ctrl-C a
    KeyboardInterrupt says how to go on.
    """
    console = Console(stderr=True)
    with ExitStack() as stack:
        for root in plan.sets:
            _open(root, plan)
            stack.enter_context(working_on(root, plan.shard))
            if plan.args.overwrite:
                clear(root)
        _announce(plan, console)
        made, runtime = (studio or load_studio)(plan, console)
        for root in plan.sets:
            with writing_to(root):
                save_run(root, plan.run_of(root, made.identity))
                _write_meta(root, plan)
        work = _work(plan)
        with _resumable(work):
            _runner(plan, work, made, runtime, console).run()
        return _close(plan, work, console)


def _open(root: Path, plan: Plan) -> None:
    """Make the folder of a set. Raises UsageError where it cannot be written to."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / f'.writable.{plan.shard.index}'
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f'{root}: cannot write there ({reason}); choose another folder with --out') from error


def _announce(plan: Plan, console: Console) -> None:
    share = '' if plan.shard.alone else f', of which shard {plan.shard} has {len(plan.own_items)}'
    count = 'photograph' if len(plan.items) == 1 else 'photographs'
    what = f'{len(plan.items)} {count} of {plan.source.name}{share}, towards {", ".join(plan.words)}'
    lines = [what]
    if plan.source.labels is None:
        lines.append('no labels: whole frames, edited where the model attends to the word')
    elif not plan.source.classes:
        lines.append('no meta.json and no --classes: label values are taken as they are')
    if plan.is_trial:
        gates = f'; the gates: {plan.settings.gates.mode}'
        lines.append(f'tiny-random: random weights, a trial of the chain; the edits are noise{gates}')
    if plan.is_pocket:
        lines.append(
            'pocket: a small model that knows rendered blades and six words; of a photograph it makes nonsense'
        )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def load_studio(plan: Plan, console: Console) -> tuple[Studio, Runtime]:
    """The model that the plan asks for, on its device, and the runtime that should fit."""
    import torch

    from augment.job.device import choose_runtime, find_place, runs_where
    from augment.job.studio import Studio

    args, place = plan.args, find_place(plan.args.device)
    if plan.is_trial or plan.is_pocket:
        torch.set_num_threads(1)  # on so little, several threads only wait for each other
    runtime = choose_runtime(place, 1024, args.batch, args.precision, args.low_resource, args.compile)
    console.print(f'loading {args.model}', markup=False, highlight=False, soft_wrap=True)
    studio = Studio(plan.model, place, runtime, args.low_resource, args.cache_dir)
    if args.batch is None and not args.low_resource:
        side = plan.settings.crop.resolution or studio.native
        runtime = replace(choose_runtime(place, side, None, args.precision, False, args.compile))
    line = runs_where(place, runtime, studio.small)
    console.print(line, markup=False, highlight=False, soft_wrap=True)
    return studio, runtime


def _write_meta(root: Path, plan: Plan) -> None:
    """Classes and palette, copied on, and what the set was made of."""
    classes, palette = plan.source.classes, plan.source.palette
    made_of = dict(source=plan.source.name, words=plan.sets[root], made_by='augment/p2p_edit.py')
    named = dict(classes=[*classes], palette=[[*colour] for colour in palette]) if classes else {}
    content = dict(name=root.absolute().name, **named, **made_of)
    path = root / 'meta.json'
    if not path.is_file() or json.loads(path.read_text(encoding='utf-8')) != content:
        write_json(path, content)


def _work(plan: Plan) -> Work:
    journals = {root: Journal(root, plan.shard) for root in plan.sets}
    keeping = Keeping(plan.args.originals, plan.args.keep_rejected, plan.args.save_masks)
    by_word = {word: journals[root] for word, root in plan.roots.items()}
    return Work(plan.source, plan.own_items, plan.settings, by_word, keeping)


def _runner(plan: Plan, work: Work, studio: Studio, runtime: Runtime, console: Console) -> Runner:
    from augment.quality.perceptual import load_perceptual

    settings, screen = plan.settings, Screen(len(work.items), console)
    device = str(studio.place.device)
    perceptual = load_perceptual(settings.gates, settings.source_prompt, device, plan.args.offline)
    attempts = Attempts(studio, settings, runtime, Judge(settings, perceptual), screen.say)
    return Runner(work, studio, attempts, screen, _print_line if plan.args.json_log else None)


def _print_line(record: dict[str, Any]) -> None:
    from augment.dataset.manifest import line_of

    print(line_of(record), end='', flush=True)


@contextmanager
def _resumable(work: Work) -> Iterator[None]:
    """Say after Ctrl-C how far it went, and that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt as error:
        done = sum(sum(states.values()) for states in work.states().values())
        total = len(work.items) * len(work.journals)
        raise KeyboardInterrupt(
            f'interrupted: {done} of {total} edits are done; the same command goes on with the others'
        ) from error


def _close(plan: Plan, work: Work, console: Console) -> int:
    """Write the reports, print the last lines, and find the exit code."""
    from augment.report.write import write_report

    states = work.states()
    for root, words in plan.sets.items():
        if plan.shard.alone:
            with writing_to(root):
                write_report(root)
        lines = summary(root, {word: states[word] for word in words})
        lines += [line for word in words for line in reported(word, work.poor(word))]
        if plan.shard.alone:
            lines += [*places(root), *how_to_train(root, plan.source.name)]
        else:
            lines += how_to_merge(root, plan.shard)
        for line in lines:
            print(line)
    return FAILED if any(each['failed'] for each in states.values()) else 0
