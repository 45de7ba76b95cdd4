"""Measure a pocket-sized stable diffusion XL on windows of blades that it was not trained on.

python augment/measure_pocket.py                                   # data/pocket_sdxl on data/demo_words
python augment/measure_pocket.py --model data/pocket_mine --data data/mine --count 50
python augment/measure_pocket.py --inverted 30 --inversion-steps 50    # that alone is measured again
python augment/measure_pocket.py --print                           # what was measured so far

Figures go to quality.json beside the model and, as the section "Measured", into its README.md. The same command
again measures what is not measured yet; a model of other weights is measured anew. Words are judged by a small
classifier, which is trained first (three minutes), once.

Exit code 2: wrong arguments, 3: windows that cannot be used, 130: Ctrl-C.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

if __package__ in (None, ''):  # run by its path: import from the folder above, not from this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from augment.errors import run_command_line


def parse_args() -> argparse.Namespace:
    """Folders, and how much of everything."""
    parser = argparse.ArgumentParser(
        'measure_pocket.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--model', type=Path, default=Path('data/pocket_sdxl'), help='a folder of train_pocket.py')
    parser.add_argument('--data', type=Path, default=Path('data/demo_words'), help='windows and captions.jsonl')
    parser.add_argument(
        '--classifier', type=Path, help='of words, trained if it is not there (DATA/word_classifier.safetensors)'
    )
    parser.add_argument('--count', type=int, metavar='N', dest='samples', help='samples of each class (20)')
    parser.add_argument('--guidance', type=float, help='of the samples (5)')
    parser.add_argument('--steps', type=int, help='of the samples (30)')
    parser.add_argument('--windows', type=int, metavar='N', help='for autoencoder and attention (200)')
    parser.add_argument('--inverted', type=int, metavar='N', help='windows that are inverted (12)')
    parser.add_argument('--inversion-steps', type=int, metavar='N', help='of these (20)')
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (the first GPU, else the CPU)')
    parser.add_argument('--threads', type=int, metavar='N', help='of the CPU (one a core)')
    parser.add_argument('--print', action='store_true', help='show what was measured, measure nothing')
    return parser.parse_args()


def main() -> None:
    """Measure and show the table."""
    args = parse_args()
    import torch

    from augment.job.device import find_place
    from augment.pocket.figures import table
    from augment.pocket.quality import Amounts
    from augment.pocket.quality_job import Job, kept, run
    from augment.pocket.word_classifier import FILE

    if args.print:
        print(table(kept(args.model)))
        return
    if args.threads:
        torch.set_num_threads(args.threads)
    names = ('samples', 'guidance', 'steps', 'windows', 'inverted', 'inversion_steps')
    amounts = replace(Amounts(), **{name: value for name in names if (value := getattr(args, name)) is not None})
    classifier = args.classifier or args.data / FILE
    print(table(run(Job(args.model, args.data, classifier, amounts, find_place(args.device)))))


if __name__ == '__main__':
    run_command_line(main)
