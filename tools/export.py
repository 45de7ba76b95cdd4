"""Export a trained model as one ONNX file, and check in onnxruntime that it gives what the model gives.

python tools/export.py RUN --out model.onnx                        # RUN: a run's folder, for its best weights
python tools/export.py CONFIG CKPT --out model.onnx --size 512 512
python tools/export.py RUN --out model.onnx --dynamic --check photo.jpg

The file takes plain images and needs nothing of this project: `image` (N, H, W, 3) uint8 RGB in, `probabilities`
(N, C, H, W) float32 and `mask` (N, H, W) uint8 class indices out; normalisation and padding are inside. Its
metadata name classes, palette, recipe, hashes of config and checkpoint, and seed. N is 1 and the size that of the
image it is checked on (or --size); --dynamic takes any. Exit code 0: the file agrees with the model, 1: the
network cannot be exported, or the file differs (none is left), 2: wrong arguments, 3: no image to check on.
"""

import argparse
from pathlib import Path

from rich.console import Console

from mmseg_ext.arguments import add_recipe_options, positive
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.engine.recipe import recipe_name
from mmseg_ext.errors import run_command_line
from mmseg_ext.export import Export, export, require_packages
from mmseg_ext.export.convert import OPSET
from mmseg_ext.export.sources import check_image
from mmseg_ext.inference import find_checkpoint, find_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = 'a config (.py; not needed for a run), and a checkpoint or the folder of a run'
    parser.add_argument('inputs', nargs='+', type=Path, metavar='[CONFIG] CKPT', help=what)
    parser.add_argument('--out', type=Path, required=True, help='the file to write, .onnx')
    parser.add_argument(
        '--size', type=positive, nargs=2, metavar=('H', 'W'), help='of the images; default: that of --check'
    )
    parser.add_argument('--opset', type=positive, default=OPSET, help=f'version of ONNX; default: {OPSET}')
    parser.add_argument('--dynamic', action='store_true', help='batches of any size of images of any size')
    parser.add_argument(
        '--check', type=Path, metavar='IMAGE', help='compare on this; default: the first test image of the config'
    )
    add_recipe_options(parser)
    args = parser.parse_args()
    if len(args.inputs) > 2:
        parser.error('expected a config and a checkpoint, or the folder of a run')
    if args.out.suffix != '.onnx':
        parser.error(f'--out {args.out}: expected a name that ends in .onnx')
    if args.dynamic and args.size:
        parser.error('--dynamic takes images of any size; leave out --size')
    return args


def run_export(args: argparse.Namespace) -> Export:
    checkpoint = find_checkpoint(args.inputs[-1])
    config = args.inputs[0] if len(args.inputs) == 2 else find_config(checkpoint)
    cfg = load_config(config, args.swap, args.cfg_options)
    name, size = recipe_name(config, args.swap, args.cfg_options), args.size and tuple(args.size)
    with Console(stderr=True).status('') as status:
        image = check_image(cfg, args.check)
        return export(cfg, checkpoint, args.out, image, name, size, args.opset, args.dynamic, status.update)


def main() -> None:
    args = parse_args()
    require_packages()
    done = run_export(args)
    (height, width), parity = done.size, done.parity
    taken = 'N x H x W' if args.dynamic else f'1 x {height} x {width}'
    print(f'{done.path}: {done.path.stat().st_size / 1e6:.1f} MB, takes images {taken} x 3 uint8 RGB')
    print(
        f'against the model on {height} x {width} px: probabilities differ by at most {parity.difference:.1e}, '
        f'{100 * parity.same:.4f} % of the pixels have the same class'
    )
    print(f'{1e3 * parity.onnx_seconds:.0f} ms in onnxruntime, {1e3 * parity.torch_seconds:.0f} ms in torch')


if __name__ == '__main__':
    run_command_line(main)
