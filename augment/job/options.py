"""The command line of a run, apart from the settings (augment.config.flags)."""

import argparse
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from pathlib import Path

from augment.config.flags import add_settings
from augment.config.settings import WORDS
from augment.dataset.outset import slug
from augment.dataset.source import data_root
from augment.errors import UsageError
from augment.sdxl.source import BASE, POCKET, TINY


def build_parser(description: str) -> ArgumentParser:
    """The parser of augment/p2p_edit.py."""
    parser = ArgumentParser(
        'p2p_edit.py',
        usage='python augment/p2p_edit.py --word WORD [WORD ...] [options]',
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    words = f'what the defects are edited towards; all: {", ".join(WORDS)}'
    parser.add_argument('--word', nargs='+', action='extend', required=True, metavar='WORD', help=words)
    _add_data(parser.add_argument_group('data'))
    _add_model(parser.add_argument_group('model and machine'))
    _add_run(parser.add_argument_group('run'))
    add_settings(parser)
    return parser


def _add_data(group: ArgumentParser) -> None:
    group.add_argument('--data', type=Path, metavar='SET', help=f'the data set ({data_root() / "wta_512"})')
    group.add_argument('--img-dir', type=Path, metavar='DIR', help='in place of --data: a folder of photographs')
    group.add_argument('--ann-dir', type=Path, metavar='DIR', help='and one of their labels, if there are any')
    group.add_argument('--classes', nargs='+', default=[], metavar='NAME', help='where meta.json is missing')
    group.add_argument('--split', default='train', help='no other one is edited (train)')
    group.add_argument('--out', type=Path, metavar='DIR', help='one set for all words (one a word: SET_<word>)')
    group.add_argument('--ids', nargs='+', default=[], metavar='STEM', help='only these photographs')
    group.add_argument('--limit', type=positive, metavar='N', help='only the first N photographs')
    originals = 'the photographs themselves beside their edits'
    group.add_argument('--originals', action=BooleanOptionalAction, default=True, help=originals)
    kept = 'rejected edits go to quarantine/'
    group.add_argument('--keep-rejected', action=BooleanOptionalAction, default=True, help=kept)
    group.add_argument('--save-masks', action='store_true', help='the region of each edit, to masks/')


def _add_model(group: ArgumentParser) -> None:
    model = (
        f'hub id, folder or .safetensors file; {POCKET}: small, for rendered defects; {TINY}: random weights, '
        f'tries the chain in seconds ({BASE})'
    )
    group.add_argument('--model', default=BASE, metavar='MODEL', help=model)
    group.add_argument('--lora', metavar='MODEL', help='low-rank weights added to it')
    group.add_argument('--vae', metavar='MODEL', help='another autoencoder')
    group.add_argument('--variant', metavar='NAME', help='of weights that are there more than once, such as fp16')
    group.add_argument('--offline', action='store_true', help='ask no network')
    group.add_argument('--device', metavar='NAME', help='cpu, cuda, cuda:1 (the first GPU, else the CPU)')
    precisions = ['auto', 'bf16', 'fp32']
    group.add_argument('--precision', choices=precisions, default='auto', help='of the UNet (auto)')
    group.add_argument('--batch', type=batch, metavar='N', help='windows at once; auto: what fits (auto)')
    group.add_argument(
        '--low-resource', action='store_true', help='least memory: one row at a time, parts offloaded'
    )
    group.add_argument('--compile', action='store_true', help='torch.compile of the UNet: minutes at the start')
    cache = 'keep inversions there, for further words (tens of MB a photograph)'
    group.add_argument('--cache-dir', type=Path, metavar='DIR', help=cache)


def _add_run(group: ArgumentParser) -> None:
    group.add_argument('--dry-run', action='store_true', help='check everything, say what would be done')
    group.add_argument(
        '--explain', action='store_true', help='tokens, mapper, windows and layers of these prompts'
    )
    group.add_argument('--resume', action='store_true', help='go on with what is there, which is done anyway')
    group.add_argument('--overwrite', action='store_true', help='begin anew; deletes what former runs made there')
    group.add_argument('--shard', metavar='I/N', help='a share of the photographs; then python augment/merge.py')
    ray = 'one task of a Ray cluster a shard; without an address on this machine'
    group.add_argument('--ray', nargs='?', const='', metavar='HOST:PORT', help=ray)
    group.add_argument('--shards', type=positive, metavar='N', help='how many, with --ray')
    group.add_argument(
        '--json-log', action='store_true', help='each line of the manifest on stdout, as it is made'
    )


def positive(text: str) -> int:
    """The type of an option that takes a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value} is not a positive number')
    return value


def batch(text: str) -> int | None:
    """The type of ``--batch``: a positive number, or ``auto``."""
    return None if text == 'auto' else positive(text)


def asked_words(args: Namespace) -> tuple[str, ...]:
    """The words, ``all`` spelled out, each once. UsageError for what makes no file name of its own."""
    words = [word for given in args.word for word in (WORDS if given == 'all' else (given,))]
    names: dict[str, str] = {}
    for word in words:
        name = slug(word)
        if not name:
            raise UsageError(f'--word {word!r}: has no letter or digit')
        if names.setdefault(name, word) != word:
            raise UsageError(
                f'--word {word!r} and {names[name]!r} would be one file name, {name}; give one of them'
            )
    return tuple(names.values())


def check_together(args: Namespace) -> None:
    """Raise UsageError for options that contradict each other."""
    if args.split != 'train':
        raise UsageError(
            f'--split {args.split}: only train is edited; an edited {args.split} image judges nothing'
        )
    if args.overwrite and (args.shard or args.resume):
        other = '--shard' if args.shard else '--resume'
        raise UsageError(
            f'--overwrite with {other}: would delete what the others make; delete the set by hand first'
        )
    if args.img_dir and args.data:
        raise UsageError('--img-dir and --data: give one of them')
    if args.ann_dir and not args.img_dir:
        raise UsageError('--ann-dir: needs --img-dir, the photographs of these labels')
    if (args.ray is None) != (args.shards is None):
        raise UsageError('--ray and --shards N belong together')
    if args.ray is not None and args.shard:
        raise UsageError('--ray makes the shards itself; leave out --shard')
