"""What it costs to invert and edit a photograph, against the plain algorithm of augment_reference.py in one run.

python benchmarks/augment_cost.py                               # counted, on the tiny model; minutes on a CPU
python benchmarks/augment_cost.py --steps 20 --seeds 2          # the same, quicker
python benchmarks/augment_cost.py --timed --device cuda         # seconds and GiB: full-size SDXL, random weights
python benchmarks/augment_cost.py --timed --model tiny --steps 2 --batch 1 2            # tries that on a CPU

Counted: evaluations of the UNet in null-text inversion with the default settings, counted by hooks; a row is
a forward. A backward pass to the embeddings is 1.11 forwards in full-size SDXL with frozen weights (7.51 and 6.76
TFLOP at 1024 px); it would be 2 if the weights had gradients too. Error is the mean squared difference between the
photograph's latent and where the guided steps end.

Timed: inversion and the edit towards one word, from pixels to pixels, of each preset, compiled and not. Nothing is
downloaded: the UNet and the VAE have SDXL's own shapes and random weights, the text encoders SDXL's widths and two
layers. How often null-text iterates depends on the weights, so evaluations are printed beside the seconds: seconds
an evaluation carry over to real weights, seconds a photograph only for methods without a search. Peak memory is
torch's, weights included, for the whole batch. Before the compiled rows stands how far the losses of null-text in
bf16 lie from those in fp32 on the same path.
"""

import argparse

from augment_counting import TRAINABLE, compare
from augment_timing import time_all

from augment.config.settings import EditSettings


def count_all(args: argparse.Namespace) -> None:
    """A row a seed and guidance scale."""
    print(f'tiny model, {args.steps} steps, {args.size} px\n')
    print(
        '| seed | guidance | plain f + b | ours f + b | ratio, b 1.11 f | ratio, b 2 f | plain error | our error |'
    )
    print('|---|---|---|---|---|---|---|---|')
    rows = []
    for seed in range(args.seeds):
        for guidance in (7.5, 15.0):
            row = compare(seed, EditSettings(guidance=guidance, steps=args.steps), args.size)
            rows.append(row)
            counts = f'{row.plain.forward} + {row.plain.backward} | {row.ours.forward} + {row.ours.backward}'
            ratios = f'{row.ratio():.3f} | {row.ratio(TRAINABLE):.3f}'
            errors = f'{row.plain_error:.4f} | {row.our_error:.4f}'
            print(f'| {seed} | {guidance:g} | {counts} | {ratios} | {errors} |', flush=True)
    worst, worst_trainable = max(row.ratio() for row in rows), max(row.ratio(TRAINABLE) for row in rows)
    better = sum(row.our_error <= row.plain_error for row in rows)
    print(f'\nworst ratio {worst:.3f} (b 2 f: {worst_trainable:.3f}); error not higher in {better} of {len(rows)}')


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--timed', action='store_true', help='seconds and memory instead of counts')
    parser.add_argument('--device', default='cpu', help='for --timed')
    parser.add_argument('--model', choices=('full', 'tiny'), default='full', help='for --timed')
    parser.add_argument(
        '--size', type=int, help='side of the photographs in pixels; default: 1024, or 128 for tiny'
    )
    parser.add_argument('--steps', type=int, default=50)
    parser.add_argument('--seeds', type=int, default=5, help='how many models and photographs to count')
    parser.add_argument('--batch', type=int, nargs='+', default=[1, 2, 4], help='photographs at once, for --timed')
    parser.add_argument(
        '--presets', nargs='+', choices=('readme', 'fast', 'npi'), default=['readme', 'fast', 'npi']
    )
    parser.add_argument('--no-compile', dest='compile', action='store_false', help='only uncompiled, for --timed')
    args = parser.parse_args()
    args.size = args.size or (1024 if args.timed and args.model == 'full' else 128)
    return args


def main() -> None:
    args = parse()
    (time_all if args.timed else count_all)(args)


if __name__ == '__main__':
    main()
