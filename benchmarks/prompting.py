"""What a SegGPT needs to read its prompt: negative pairs, tiles, the gate, a tuned prompt; one type never seen.

python tools/render_demo_data.py --words --count 1500
python benchmarks/prompting.py                                 # a small network from scratch: 40 minutes of CPU
python benchmarks/prompting.py --trainings 'half negative' 'tuned prompt' 'fine-tuned' --begin \
    work_dirs/prompting/exp/demo_words_positive_pairs_1400x8/seed0 # goes on with what finds defects
python benchmarks/prompting.py --data defect_types --iterations 600 --begin \
    work_dirs/prompting/exp/demo_words_half_negative_1400x8_after_*/seed0 # photographs
python benchmarks/prompting.py --data defect_types --recipe configs/seggpt/seggpt_vit-large_finetune_*.py \
    --iterations 5000 --batch 4 --half 0 --weight 1 --no-fixed # with the published weights, for a GPU
python benchmarks/prompting.py --print                         # the rows that are there, as Markdown

--begin trains from the weights of another run, with which both trainings begin: a small network that begins from
nothing learns to answer constantly on the few photographs there are.

Trained with positive pairs only, and with half of the pairs negative, without a photograph of one type; both are
judged on the types they know ('seen') and on that one ('unseen'), with 1, 2 and 4 tiles a side, with and without
the gate. Then the one with negative pairs gets the training images of the unseen type, once to tune a prompt for
it, once to be fine-tuned. Every run goes through tools/train.py and tools/test.py as a user would call them; a row
is appended to benchmarks/prompting.csv when it is judged; rows that are there are skipped, trainings continued.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from run_table import ROOT, RunTable

from mmseg_ext.inference import find_checkpoint

RECIPE = ROOT / 'configs/seggpt/seggpt_small_finetune_1xb8-2400_cosine_defect_types-128x128.py'
UNSEEN = {'demo_words': 'dent', 'defect_types': 'blowhole'}
SCALE = {'demo_words': (0.75, 1.5), 'defect_types': (0.33, 1.0)}  # of training crops; rendered windows are 128 px
NEGATIVE = {'positive pairs': 0.0, 'half negative': 0.5}
LEARNT = {'tuned prompt': 'incontext', 'fine-tuned': 'finetune'}  # what begins with the network of 'half negative'
SCORES = ('catch_rate', 'yield_rate', 'PES', 'mIoU_pos', 'mIoU_neg', 'prompt_sensitivity')
TABLE = RunTable(
    ROOT / 'benchmarks/prompting.csv',
    ('data', 'training', 'begun', 'seed', 'iterations', 'batch', 'weight', 'judged', 'split', 'gate'),
    ('minutes', 'device', 'pairs', *SCORES),
)
SETS = ('seen', 'unseen')


def tool(name: str, recipe: Path, *words: object) -> None:
    """Run a tool as a user does."""
    subprocess.run([sys.executable, ROOT / f'tools/{name}.py', recipe, *map(str, words)], check=True)


def course(iterations: int, batch: int) -> dict[str, object]:
    """The options that make a training of that length."""
    pause, warm = max(iterations // 4, 1), max(iterations // 10, 1)
    return {
        'train_cfg.max_iters': iterations,
        'train_cfg.val_interval': pause,
        'default_hooks.checkpoint.interval': pause,
        'param_scheduler.0.end': warm,
        'param_scheduler.1.begin': warm,
        'param_scheduler.1.end': iterations,
        'train_dataloader.batch_size': batch,
    }


def begun(args: argparse.Namespace) -> str:
    """The name of the run whose weights are begun with; empty: from nothing."""
    return args.begin.resolve().parent.name if args.begin else ''


def train(training: str, seed: int, args: argparse.Namespace) -> Path:
    """Train, or go on; the folder of the run."""
    after = f'_after_{begun(args)}' if args.begin else ''
    weight = '' if args.weight == 5 else f'_weight{args.weight:g}'
    name = f'{args.data}_{training.replace(" ", "_")}_{args.iterations}x{args.batch}{weight}{after}'
    folder, crop = args.root / name / f'seed{seed}', 'train_dataloader.dataset.pipeline.1.scale'
    swap, iterations, begin = f'{args.data}_unseen', args.iterations, args.begin
    options = {crop: str(SCALE[args.data]).replace(' ', '')}
    if training in LEARNT:
        swap, iterations, begin = args.data, args.tuning, train('half negative', seed, args)
        options |= {f'+{split}_dataloader.dataset.types': f'[{UNSEEN[args.data]}]' for split in ('train', 'val')}
        options |= {'model.mode': LEARNT[training]}
        if training == 'tuned prompt':
            options |= {'optim_wrapper.optimizer.lr': 0.03, 'optim_wrapper.optimizer.weight_decay': 0.0}
    if begin:
        options |= {'model.network.pretrained': find_checkpoint(begin)}
    options |= {'train_dataloader.dataset.negative_ratio': NEGATIVE.get(training, 0.5)}
    options |= {'model.masking.half_prob': args.half, 'model.foreground_weight': args.weight}
    options |= {'model.palette.fixed': args.fixed}
    options |= course(iterations, args.batch)
    words = ['--swap', f'datasets={swap}', '--work-dir', folder, '--seed', seed, '--resume']
    tool('train', args.recipe, *words, '--cfg-options', *(f'{key}={value}' for key, value in options.items()))
    return folder


def judged(training: str, splits: Sequence[int]) -> Iterator[tuple[str, int, float | None]]:
    """What the network of a training is asked: set, tiles a side, score that the gate wants."""
    if training in LEARNT:
        yield from [('unseen', 1, None)] + [('seen', 1, None)] * (training == 'fine-tuned')
        return
    for judged_on in SETS:
        yield from ((judged_on, split, gate) for split in splits for gate in (None, 0.1))


def judge(run: Path, training: str, asked: tuple[str, int, float | None], args: argparse.Namespace) -> dict:
    """The content of the result of one test."""
    name, split, gate = asked
    options = {
        'model.test_cfg.split': split,
        'model.test_cfg.gate': gate,
        'model.mode': LEARNT.get(training, 'finetune'),
    }
    if name == 'seen':
        options['+test_dataloader.dataset.hold_out'] = f'[{UNSEEN[args.data]}]'
    folder = run / f'{name}_split{split}{"" if gate is None else "_gated"}'
    words = [
        '--swap',
        f'datasets={args.data}{"_unseen" * (name == "unseen")}',
        '--work-dir',
        folder,
        '--cfg-options',
    ]
    tool('test', args.recipe, run, *words, *(f'{key}={value}' for key, value in options.items()))
    (file,) = folder.glob('test*/result.json')
    return json.loads(file.read_text(encoding='utf-8'))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--trainings', nargs='+', default=[*NEGATIVE, *LEARNT], choices=[*NEGATIVE, *LEARNT])
    parser.add_argument('--data', default='demo_words', choices=[*UNSEEN])
    parser.add_argument('--recipe', type=Path, default=RECIPE)
    parser.add_argument(
        '--begin', type=Path, help='run of this script, EXPERIMENT/seedN, whose weights come first'
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--iterations', type=int, default=1400)
    parser.add_argument('--tuning', type=int, default=200, help='iterations of a tuned prompt or a fine-tuning')
    parser.add_argument('--batch', type=int, default=8)
    parser.add_argument('--splits', nargs='+', type=int, default=[1, 2, 4], help='tiles a side')
    parser.add_argument('--half', type=float, default=1.0, help='share of samples whose whole query is hidden')
    parser.add_argument('--weight', type=float, default=5.0, help='of a pixel of a defect in the loss')
    parser.add_argument(
        '--fixed', action=argparse.BooleanOptionalAction, default=True, help='the same colours always'
    )
    parser.add_argument('--root', type=Path, default=ROOT / 'work_dirs/prompting/exp')
    parser.add_argument('--print', action='store_true', dest='only_print')
    args = parser.parse_args()
    for seed in args.seeds if not args.only_print else ():
        for training in args.trainings:
            key = (args.data, training, begun(args), seed, args.iterations, args.batch, args.weight)
            asked = [each for each in judged(training, args.splits) if not TABLE.has((*key, *each))]
            run = train(training, seed, args) if asked else None
            for each in asked:
                result = judge(run, training, each, args)
                trained = json.loads((run / 'train/result.json').read_text(encoding='utf-8'))
                row = dict(minutes=round(trained['train_seconds'] / 60, 1), device=result['device'])
                row |= dict(pairs=result['images']) | {name: result['scores'][name] for name in SCORES}
                TABLE.append((*key, *each), row)
    print(TABLE.markdown(('data', 'training', 'begun', 'weight', 'seed', 'judged', 'split', 'gate', *SCORES)))


if __name__ == '__main__':
    main()
