"""Judge a checkpoint on the test (or validation) split.

python tools/test.py CONFIG CKPT                         # -> <run>/test: result.json, per_image.csv, worst.png
python tools/test.py CONFIG CKPT --split val --show-dir overlays
python tools/test.py CONFIG CKPT --swap datasets=magnetic_tile --out masks   # -> <run>/test-<name of the swapped>
"""

from pathlib import Path

from mmseg_ext.engine.cli import common_parser, plan_test, report_run
from mmseg_ext.engine.judging import judge
from mmseg_ext.errors import run_command_line


def main() -> None:
    parser = common_parser(__doc__)
    parser.add_argument('checkpoint', type=Path, help='a .pth file, or the folder of a run to take its best one')
    parser.add_argument('--split', choices=('test', 'val'), default='test')
    parser.add_argument('--show-dir', type=Path, help='image, truth and prediction of every image side by side')
    parser.add_argument('--out', type=Path, help='predicted masks, one PNG of class indices an image')
    args = parser.parse_args()
    plan = plan_test(args)
    result = judge(plan.cfg, args.checkpoint, args.split, plan.folder, args.show_dir, args.out)
    report_run(result, plan.folder)


if __name__ == '__main__':
    run_command_line(main)
