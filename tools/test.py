"""Judge a checkpoint on the test (or validation) split.

python tools/test.py CONFIG CKPT                         # -> <run>/test: result.json, per_image.csv, worst.png
python tools/test.py CONFIG CKPT --split val --show-dir overlays
python tools/test.py CONFIG CKPT --swap datasets=magnetic_tile --out masks   # -> <run>/test-<name of the swapped>
python tools/test.py CONFIG                              # a SegGPT as published, untrained
python tools/test.py CONFIG CKPT --tta flip scales=0.75,1,1.25               # -> <run>/test and <run>/test-tta

With --tta everything is measured twice, without and with it: what it gains and costs is printed. Masks and strips
are those with it.
"""

from pathlib import Path

from mmseg_ext.arguments import add_tta
from mmseg_ext.engine.cli import common_parser, plan_test, report_gain, report_run
from mmseg_ext.engine.judging import judge, judge_both
from mmseg_ext.errors import run_command_line
from mmseg_ext.models.test_time import Views


def main() -> None:
    parser = common_parser(__doc__)
    parser.add_argument(
        'checkpoint',
        type=Path,
        nargs='?',
        help='a .pth file, or the folder of a run to take its best one; default: the published weights',
    )
    parser.add_argument('--split', choices=('test', 'val'), default='test')
    parser.add_argument('--show-dir', type=Path, help='image, truth and prediction of every image side by side')
    parser.add_argument('--out', type=Path, help='predicted masks, one PNG of class indices an image')
    add_tta(parser)
    args = parser.parse_args()
    views = None if args.tta is None else Views.parse(args.tta)
    plan = plan_test(args)
    what, shown = (plan.cfg, args.checkpoint, args.split, plan.folder), (args.show_dir, args.out)
    if views is None:
        report_run(judge(*what, *shown), plan.folder)
    else:
        report_gain(*judge_both(*what, views, *shown), plan.folder)


if __name__ == '__main__':
    run_command_line(main)
