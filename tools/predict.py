"""Find defects in images with a trained model.

python tools/predict.py RUN photos --out found                       # RUN: a run's folder, for its best weights
python tools/predict.py CONFIG CKPT a.jpg 'photos/**/*.tif' --out found
python tools/predict.py RUN photos --out found --tile 1024 --overlap 256 --no-overlays --scores
python tools/predict.py RUN photos --out found --tta flip scales=0.75,1,1.25
python tools/predict.py RUN photos --out found --mm-per-pixel 0.2        # cracks: length and width in mm too

A model that is asked by example (SegGPT) is shown prompts, images with labels of what to look for:

python tools/predict.py CONFIG CKPT photos --out found --prompt-img-dir some/images --prompt-label-dir some/labels
python tools/predict.py … --prompt-img-dir … --prompt-label-dir … --mapping pairs.json --top-k 4
python tools/predict.py … --prompt-img-dir … --prompt-label-dir … --split 2 --stitch --label-dir labels
python tools/predict.py … --prompt-img-dir … --prompt-label-dir … --gate     # false alarms are taken back
python tools/predict.py RUN photos --out found --prompt a_tuning/train/ckpt/prompt.safetensors

Leaves in --out: masks/<name>.png (class indices, at the size of the image), overlays/<name>.jpg with legend.png,
defects.csv (a row for each image and class: count, pixels, percent of the image, largest, mean score) and
components.csv (a row for each defect: box, centroid, pixels, mean score). Where a class is a line, such as the
cracks of the crack data sets, both tables have its length, mean and largest width. With --label-dir also iou.txt
(a line an image: name and IoU of what is not background; the mean last). Masks equal those of tools/test.py;
images above 16.8 million pixels are looked at in overlapping tiles, with prompts in those of --split instead.
Unreadable images do not stop the others and are reported at the end.
Exit code 0: all done, 2: wrong arguments, 3: images that could not be used.
"""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import mmseg_ext
from mmseg_ext.arguments import add_recipe_options, add_tta
from mmseg_ext.engine.overrides import load_config
from mmseg_ext.errors import DataError, listed, run_command_line
from mmseg_ext.inference import find_config
from mmseg_ext.inference.counts import Ruler
from mmseg_ext.inference.folder import FolderWriter, Summary, predict_folder
from mmseg_ext.inference.images import NamedImage, find_images
from mmseg_ext.inference.iou_table import IOU_FILE, IouTable
from mmseg_ext.inference.prompt_options import add_prompting, find_prompting


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = (
        'a config (.py; not needed for a run), a checkpoint or the folder of a run, then images, folders, patterns'
    )
    parser.add_argument('inputs', nargs='+', metavar='[CONFIG] CKPT IMAGES', help=what)
    parser.add_argument(
        '--out', type=Path, required=True, help='folder for the results; files there are overwritten'
    )
    parser.add_argument(
        '--tile', type=tile, default='auto', help='auto, none, or the side of a tile; default: auto'
    )
    parser.add_argument('--overlap', type=int, default=256, help='pixels that tiles share; default: 256')
    parser.add_argument('--no-overlays', action='store_true')
    parser.add_argument('--opacity', type=opacity, default=0.35, help='of the overlays, 0 to 1; default: 0.35')
    parser.add_argument(
        '--scores', action='store_true', help='also scores/<name>.npy: probabilities, (C, H, W) float16'
    )
    parser.add_argument(
        '--mm-per-pixel', type=float, metavar='S', help='scale of the images: lines are measured in mm too'
    )
    parser.add_argument('--label-dir', metavar='DIR', help=f'labels of the images, of the same names: {IOU_FILE}')
    parser.add_argument('--device', help='default: a GPU if there is one, else the CPU')
    add_tta(parser)
    add_recipe_options(parser)
    add_prompting(parser)
    args = parser.parse_args()
    args.config = args.inputs.pop(0) if args.inputs[0].endswith('.py') else None
    if len(args.inputs) < 2:
        parser.error('expected a checkpoint or the folder of a run, and at least one image')
    args.checkpoint, *args.images = args.inputs
    return args


def tile(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def opacity(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f'{value} is not between 0 and 1')
    return value


def predict_with_progress(images: list[NamedImage], writer: FolderWriter) -> Summary:
    columns = TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task('predicting', total=len(images))
        return predict_folder(images, writer, lambda done, _: bar.update(task, completed=done))


def main() -> None:
    args = parse_args()
    images = find_images(args.images, args.out)
    prompting = find_prompting(args)
    ious = IouTable(args.label_dir, images) if args.label_dir else None
    cfg = load_config(args.config or find_config(args.checkpoint), args.swap, args.cfg_options)
    model = mmseg_ext.load(cfg, args.checkpoint, args.device, args.tile, args.overlap, args.tta, prompting)
    ruler = Ruler(model.curves, args.mm_per_pixel)
    writer = FolderWriter(args.out, model, not args.no_overlays, args.opacity, args.scores, ruler, ious)
    summary = predict_with_progress(images, writer)
    found = ', '.join(f'{name} {count}' for name, count in summary.defects.items())
    print(f'{summary.images} of {len(images)} images, defects: {found}')
    for name, (length, widest) in summary.lines.items():
        print(f'{name}: length {ruler.text(length)} in all, largest width {ruler.text(widest)}')
    if writer.overwritten:
        print(f'{writer.overwritten} masks were there before and have been overwritten')
    if ious:
        print(f'mean IoU {ious.mean:.4f} of {len(ious.values)} images: {args.out}/{IOU_FILE}')
    print(f'{args.out}/masks, {args.out}/defects.csv, {args.out}/components.csv')
    if summary.failures:
        raise DataError(listed(summary.failures))


if __name__ == '__main__':
    run_command_line(main)
