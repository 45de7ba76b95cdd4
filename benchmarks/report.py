"""How long a report takes, and how large it is: by default 100 runs of 500 test images, as results.md says.

python benchmarks/report.py                                     # 5 models x 5 groups x 4 seeds
python benchmarks/report.py --models 12 --groups 2 --seeds 4 --classes 5

Draws a project of finished runs that nobody trained (tests/fake_project.py) with a sheet of worst images for each,
then writes the report in this process. Printed are seconds by the clock and CPU seconds, peak memory, and sizes.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from fake_project import draw_confusions, write_plan, write_run  # noqa: E402 (only there since the line above)

from mmseg_ext.arguments import positive  # noqa: E402
from mmseg_ext.reports.page import write_report  # noqa: E402

SHEET = (4700, 1560, 3)  # a sheet of eight images of 512 x 512


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in dict(models=5, groups=5, seeds=4, images=500, classes=3).items():
        parser.add_argument(f'--{name}', type=positive, default=default)
    return parser.parse_args()


def worst_sheet() -> bytes:
    """A PNG as hard to shrink as photos are: grey noise of every size, seeded."""
    rng, picture = np.random.default_rng(0), np.full(SHEET, 128.0, np.float32)
    for scale in (4, 16, 64, 256):
        noise = rng.normal(0, 25, (SHEET[0] // scale + 1, SHEET[1] // scale + 1, 1)).astype(np.float32)
        picture += cv2.resize(noise, SHEET[1::-1], interpolation=cv2.INTER_LINEAR)[..., None]
    return cv2.imencode('.png', picture.clip(0, 255).astype(np.uint8))[1].tobytes()


def make_project(root: Path, args: argparse.Namespace) -> Path:
    classes = ('background', *(f'defect {index}' for index in range(1, args.classes)))
    rows, sheet = {}, worst_sheet()
    for model in range(args.models):
        for group in range(args.groups):
            runs = [f'exp/model{model}/group{group}/seed{seed}' for seed in range(args.seeds)]
            for seed, run in enumerate(runs):
                luck = 100 * model + 10 * group + seed
                found = draw_confusions(args.images, 0.4 + 0.05 * group, luck, args.classes)
                write_run(root / run, found, classes, seed, parameters=10**6 * (model + 1))
                (root / run / 'test/worst.png').write_bytes(sheet)
            rows[f'Model {model}', f'Group {group}'] = runs
    write_plan(root, 'benchmark', rows, title='Benchmark')
    return root


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder) / 'project', args)
        clock, cpu = time.perf_counter(), time.process_time()
        paths = write_report(project)
        clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
        runs = args.models * args.groups * args.seeds
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f'{runs} runs x {args.images} images: {clock:.1f} s, {cpu:.1f} s of CPU, peak memory {peak:.1f} GiB')
        for path in paths:
            print(f'{path.name:<12} {path.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
