"""The settings as options of a command line: each overrides one number of the preset."""

from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from typing import Any, NamedTuple

from augment.config.plain import overridden
from augment.config.presets import load_preset, preset_names
from augment.config.settings import METHODS, PLACES, EditSettings, GateSettings
from augment.errors import UsageError

PRESET = 'readme'  # for models that have none of their own
BLENDS = ('label', 'attention', 'label+attention', 'none')
WHOLE_FRAMES = {'crop.mode': 'none', 'blend.by': 'attention'}  # what can be done without labels
SWITCH = {'action': BooleanOptionalAction}


class Flag(NamedTuple):
    """An option, the setting it overrides, and what argparse is told about it."""

    name: str
    path: str
    help: str
    options: dict[str, Any]


def _of(name: str, path: str, help_: str, type_: type = float, **options: Any) -> Flag:
    return Flag(name, path, help_, {'type': type_, 'metavar': type_.__name__[0].upper(), **options})


def _one(name: str, path: str, help_: str, choices: tuple[str, ...]) -> Flag:
    return Flag(name, path, help_, {'choices': choices})


def limit(text: str) -> str | int:
    """``auto``, ``all`` or a number of tokens."""
    return int(text) if text.isdecimal() else text


GROUPS = {
    'what is asked for': (
        _of('--source-prompt', 'source_prompt', 'what the photographs show', str, metavar='TEXT'),
        _of(
            '--target-template', 'target_template', 'the prompt of an edit, with {word} in it', str, metavar='TEXT'
        ),
        _of('--guidance', 'guidance', 'how strongly the target prompt pulls (15)'),
        _of('--steps', 'steps', 'DDIM steps (50)', int),
        _of('--seed', 'seed', 'of the random numbers (42)', int),
    ),
    'inversion': (
        _one('--inversion', 'inversion.method', 'how a photograph becomes noise', METHODS),
        _of('--fixed-point', 'inversion.fixed_point', 'further evaluations that refine each step (0)', int),
        Flag('--pin-source', 'inversion.pin_source', 'hold the source on its recorded path', SWITCH),
        _one('--null-init', 'inversion.null_init', 'where null-text begins', ('source', 'empty', 'zeros')),
        _one('--null-targets', 'inversion.null_targets', 'which null tensors are optimised', ('both', 'seq')),
        _of('--inner-steps', 'inversion.inner_steps', 'optimiser steps for each DDIM step, at most (10)', int),
        _of('--lr', 'inversion.learning_rate', 'of the optimiser (1e-2)'),
        _of('--epsilon', 'inversion.epsilon', 'loss below which a step is good enough (1e-5)'),
        _of('--eps-slope', 'inversion.epsilon_slope', 'what that grows by each step (2e-5)'),
        Flag('--keep-best', 'inversion.keep_best', 'keep the best of each step, not the last', SWITCH),
        _of('--patience', 'inversion.patience', 'optimiser steps without gain that end a step (2)', int),
        _one('--prox', 'inversion.prox', 'the threshold of prox-npi: hard or soft', ('l0', 'l1')),
        _of('--prox-quantile', 'inversion.prox_quantile', 'share of the differences below it (0.7)'),
        _of('--rli-alpha', 'rli.alpha', 'residual linear interpolation; 0 is off (0.1)'),
        Flag('--rli-where', 'rli.where', 'its attention layers (up.self)', dict(nargs='+', choices=PLACES)),
    ),
    'prompt-to-prompt': (
        _one('--mode', 'control.mode', 'words are added, or exchanged one by one', ('refine', 'replace')),
        _of('--cross', 'control.cross_window', 'share of the steps that keep the cross-attention (0.4)'),
        _of('--self', 'control.self_window', 'share of the steps that keep the self-attention (0.3)'),
        _of('--eq', 'control.equalizer', 'factor of the attention to the word (2)'),
        _one('--eq-window', 'control.equalizer_window', 'when it acts', ('cross', 'all')),
        _of('--self-limit', 'control.self_limit', 'largest layer: auto, all or tokens', limit, metavar='N'),
        _one('--pooled', 'control.pooled', 'the pooled embedding', ('target', 'source-in-cross-window')),
    ),
    'where a photograph may change': (
        _one('--blend', 'blend.by', 'the region of the edit', BLENDS),
        _of('--halo', 'blend.halo', 'pixels by which the labelled defects are widened (16)', int),
        _of('--feather', 'blend.feather', 'pixels of the ramp inside the region (6)', int),
        _of('--blend-start', 'blend.start', 'share of the steps after which latents are blended (0.2)'),
        _of('--blend-th', 'blend.threshold', 'attention to the word, of its maximum (0.3)'),
        Flag('--composite', 'blend.composite', 'the photograph itself outside the region', SWITCH),
        _one('--crop', 'crop.mode', 'windows around the defects, or whole frames', ('defect', 'none')),
        _of('--context', 'crop.context', 'side of a window, in sizes of its defect (3)'),
        _of('--smallest-crop', 'crop.smallest', 'pixels of a window, at least (128)', int),
        _of('--most-windows', 'crop.most_windows', 'of a photograph, before they are joined (6)', int),
        _of('--resolution', 'crop.resolution', 'of the model; 0: as it was trained (0)', int),
    ),
    'labels and gates': (
        _one('--label-mode', 'labels.mode', 'the label of an edit', ('copy', 'ignore-ring', 'propose')),
        _of('--label-change', 'labels.change', 'colour difference (CIEDE2000) that counts as changed (10)'),
        _of('--label-smallest', 'labels.smallest', 'pixels of a proposed part, at least (9)', int),
        _one('--gates', 'gates.mode', 'what is done with poor edits', ('enforce', 'report', 'off')),
    ),
}
FLAGS = tuple(flag for group in GROUPS.values() for flag in group)


def add_settings(parser: ArgumentParser) -> None:
    """``--preset``, an option for every setting, and ``--gate NAME=VALUE``."""
    names = ', '.join(preset_names())
    what = f'{names}, or a TOML file ({PRESET}; that of the model where it has one)'
    parser.add_argument('--preset', metavar='NAME', help=what)
    for title, flags in GROUPS.items():
        group = parser.add_argument_group(title)
        for flag in flags:
            group.add_argument(flag.name, dest=flag.path, help=flag.help, default=None, **flag.options)
    what = 'limits of gates, such as recon_psnr=27 seam=3'
    group.add_argument('--gate', nargs='+', action='extend', default=[], metavar='NAME=VALUE', help=what)


def settings_from(
    args: Namespace, labelled: bool = True, trial: bool = False, preset: str = PRESET
) -> EditSettings:
    """The preset, ``preset`` where the command line names none, with what the command line says on top.

    Where the photographs have no labels, whole frames are edited where the model attends to the word, unless the
    command line says otherwise. In a ``trial`` (random weights) the gates only report, unless it says otherwise.
    """
    given = vars(args)
    values: dict[str, Any] = dict(WHOLE_FRAMES) if not labelled else {}
    values |= {'gates.mode': 'report'} if trial else {}
    values |= {flag.path: given[flag.path] for flag in FLAGS if given.get(flag.path) is not None}
    return overridden(load_preset(args.preset or preset), values | dict(map(_gate, args.gate)))


def _gate(text: str) -> tuple[str, float]:
    name, _, value = text.partition('=')
    known = [key for key in GateSettings.__annotations__ if key != 'mode']
    if name not in known:
        raise UsageError(f'--gate {text}: no gate of that name; known are {", ".join(known)}')
    try:
        return f'gates.{name}', float(value)
    except ValueError as error:
        raise UsageError(f'--gate {text}: expected {name}=NUMBER') from error
