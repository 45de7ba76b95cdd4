"""Which recipes export to ONNX, how well the file agrees with the model, and which of the two is faster.

python benchmarks/export.py                                  # every recipe under configs/, 512 x 512
python benchmarks/export.py --dynamic --only fast_scnn vit   # images of any size, some of the recipes
python benchmarks/export.py --size 256 320 --threads 2

Random weights (seed 0): what is compared is arithmetic, not quality. Each recipe goes through the library function
of tools/export.py in a process of its own. Printed are, for one rendered image, the largest difference of a
probability, the share of pixels of the same class, the size of the file, and the fastest of three forward passes
of onnxruntime and of torch, on the same number of threads.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.registry import init_default_scope

from mmseg_ext.engine.overrides import load_config
from mmseg_ext.errors import RunError, UsageError
from mmseg_ext.export import export, require_packages
from mmseg_ext.rendering.blade import render

ROOT = Path(__file__).resolve().parents[1]
HEADER = '| recipe | exports | largest difference | same class | MB | onnxruntime s | torch s | export s |'


def leaves(only: list[str]) -> list[Path]:
    """All recipes under ``configs/``, or those in the folders ``only``."""
    files = sorted((ROOT / 'configs').glob('[!_]*/*.py'))
    return [file for file in files if file.parent.name != 'quick' and (not only or file.parent.name in only)]


def row(leaf: Path, size: tuple[int, int], dynamic: bool) -> str:
    """Export one recipe with random weights; its line of the table."""
    from mmseg.registry import MODELS

    init_default_scope('mmseg')
    cfg = load_config(leaf, ['datasets=demo_blade'])
    torch.manual_seed(0)
    picture, _ = render(np.random.default_rng(0), 1000, 200)
    picture = cv2.resize(picture[..., ::-1], size[::-1], interpolation=cv2.INTER_AREA)
    with tempfile.TemporaryDirectory() as folder:
        weights, path = Path(folder, 'random.pth'), Path(folder, 'model.onnx')
        torch.save({'state_dict': MODELS.build(without_pretrained(cfg.model)).state_dict()}, weights)
        start = time.perf_counter()
        try:
            done = export(cfg, weights, path, picture, leaf.stem, dynamic=dynamic)
        except (RunError, UsageError) as error:
            return f'| {leaf.parent.name} | no: {error} | | | | | | |'
        parity, seconds = done.parity, time.perf_counter() - start
        megabytes = path.stat().st_size / 1e6
    return (
        f'| {leaf.parent.name} | yes | {parity.difference:.0e} | {100 * parity.same:.4f} % | {megabytes:.1f} | '
        f'{parity.onnx_seconds:.2f} | {parity.torch_seconds:.2f} | {seconds:.0f} |'
    )


def without_pretrained(model: dict) -> dict:
    """The config of a model that is built without reading weights from anywhere."""
    clean = {key: without_pretrained(value) if isinstance(value, dict) else value for key, value in model.items()}
    return {key: value for key, value in clean.items() if key not in ('init_cfg', 'pretrained')}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--only', nargs='+', default=[], metavar='MODEL', help='folders under configs/')
    parser.add_argument('--size', type=int, nargs=2, default=[512, 512], metavar=('H', 'W'))
    parser.add_argument('--dynamic', action='store_true')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--leaf', type=Path, help=argparse.SUPPRESS)  # one row, in a process of its own
    args = parser.parse_args()
    require_packages()
    torch.set_num_threads(args.threads)
    if args.leaf:
        print(row(args.leaf, tuple(args.size), args.dynamic))
        return
    print(f'torch {torch.__version__}, {args.threads} threads, {args.size[0]} x {args.size[1]}, {args.dynamic=}\n')
    print(f'{HEADER}\n|{"---|" * 8}', flush=True)
    for leaf in leaves(args.only):
        options = ['--size', *map(str, args.size), '--threads', str(args.threads), *['--dynamic'] * args.dynamic]
        command = [sys.executable, __file__, '--leaf', str(leaf), *options]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        failed = f'| {leaf.parent.name} | no: {run.stderr.strip().splitlines()[-1:]} |'
        print(failed if run.returncode else run.stdout.strip().splitlines()[-1], flush=True)


if __name__ == '__main__':
    main()
