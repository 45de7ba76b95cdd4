"""The options of a command line by which a model is asked by example."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from mmseg_ext.arguments import positive
from mmseg_ext.errors import UsageError
from mmseg_ext.inference.prompt_folder import PromptFolder
from mmseg_ext.inference.prompting import Prompting
from mmseg_ext.models.seggpt.gate import DEFAULT_GATE
from mmseg_ext.models.seggpt.split import PROMPT_TILES

FOLDERS = ('prompt_img_dir', 'prompt_label_dir')
CHOICE = ('mapping', 'top_k')
OTHERS = ('prompt', 'split', 'stitch', 'prompt_tiles', 'gate')


def add_prompting(parser: ArgumentParser) -> None:
    """The options, in a group of their own; ``find_prompting`` says what they mean."""
    group = parser.add_argument_group('models that are asked by example (SegGPT)')
    group.add_argument('--prompt-img-dir', metavar='DIR', help='images of prompts')
    labels = 'their labels, of the same names: 0 background, 1 or 255 the defect; no JPEG'
    group.add_argument('--prompt-label-dir', metavar='DIR', help=labels)
    mapping = '{file name of an image: [file names of its prompts]}; without it all images have the same prompts'
    group.add_argument('--mapping', metavar='JSON', help=mapping)
    which = 'prompts an image, the first K by name or in the mapping; default: 1, or all that are mapped'
    group.add_argument('--top-k', type=positive, metavar='K', help=which)
    group.add_argument('--prompt', metavar='FILE', help='what in-context tuning has learnt: prompt.safetensors')
    group.add_argument('--split', type=positive, metavar='N', help='look at images in N x N tiles; default: 1')
    group.add_argument(
        '--stitch', action='store_true', default=None, help='tiles overlap by a quarter and fade into each other'
    )
    tiles = 'of a prompt in N x N tiles: those with the defect, all, or the whole prompt uncut; default: defect'
    group.add_argument('--prompt-tiles', choices=PROMPT_TILES, help=tiles)
    gate = f'keep what leads back to the prompts with a score of at least THR (0..1); THR left out: {DEFAULT_GATE}'
    group.add_argument('--gate', type=float, nargs='?', const=DEFAULT_GATE, metavar='THR', help=gate)


def find_prompting(args: Namespace) -> Prompting | None:
    """What the options ask for; None when none of them is given. UsageError when they do not go together."""
    given = {name for name in (*FOLDERS, *CHOICE, *OTHERS) if getattr(args, name) is not None}
    if not given:
        return None
    _check(given)
    prompts = None
    if args.prompt:
        prompts = Path(args.prompt)
    elif args.prompt_img_dir:
        prompts = PromptFolder.find(args.prompt_img_dir, args.prompt_label_dir, args.mapping, args.top_k)
    return Prompting(prompts, args.split, args.stitch, args.prompt_tiles, args.gate)


def _check(given: set[str]) -> None:
    folders, choice = given & set(FOLDERS), given & set(CHOICE)
    if len(folders) == 1:
        (missing,) = set(FOLDERS) - folders
        raise UsageError(
            f'{_options(folders)}: a prompt is an image and its label; give {_options({missing})} too'
        )
    if 'prompt' in given and folders | choice:
        raise UsageError(f'--prompt is one prompt, learnt; leave out {_options(folders | choice)}, or --prompt')
    if choice and not folders:
        raise UsageError(f'{_options(choice)} chooses from folders; give {_options(set(FOLDERS))} too')


def _options(names: set[str]) -> str:
    """As they are typed."""
    return ' and '.join(f'--{name.replace("_", "-")}' for name in sorted(names))
