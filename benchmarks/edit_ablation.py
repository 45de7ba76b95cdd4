"""What each setting of an edit does, one factor after another around one centre, on the pocket model.

python tools/render_demo_data.py --words                               # the windows
python benchmarks/edit_ablation.py                                     # 12 windows, 20 steps; it says how long
python benchmarks/edit_ablation.py --images 30 --steps 50 --device cuda
python benchmarks/edit_ablation.py --only guidance blend               # these tables alone
python benchmarks/edit_ablation.py --print                             # the rows that are there, as Markdown
python benchmarks/edit_ablation.py --gates                             # thresholds of the gates, from these rows

Windows of split test that show a defect and no word, on blades that the model was not trained on; the first is
edited towards scratch, the second towards rust and so on, the same in every row. The centre is the preset pocket
with readme's inversion, the window's caption as the source prompt, and the whole window shown. A row is appended
to benchmarks/edit_ablation.csv as it is measured; rows that are there are skipped. Settings that share an
inversion share it in memory, and each row counts it in full.

Reconstruction is where the guided steps lead without being held on the path ('unedited': the autoencoder alone).
Background is what lies more than 32 pixels from the defect, as the model drew it, before the photograph's own
pixels are put back. Word is the probability that a classifier gives the word in the finished edit; what it says of
the unedited windows stands beside it. Rows and gradients are counted at the UNet, inversion and edit together;
seconds are those of one thread on a CPU, which other work on the machine does not lengthen much.
"""

import argparse
import hashlib
import time
from pathlib import Path

import torch
from edit_ablation_measure import COLUMNS, Bench
from edit_ablation_print import gate_tables, newest, tables_and_claims
from edit_ablation_settings import EVERY_WORD, TABLES, Edit, edits, windows
from rich.console import Console
from rich.progress import track
from run_table import ROOT, RunTable

from augment.errors import run_command_line
from augment.pocket.word_classifier import FILE, word_classifier
from augment.sdxl.identity import fingerprint
from augment.sdxl.loader import PARTS, ModelSource, load_pipeline
from augment.sdxl.upstream import StableDiffusionXLPipeline

ROWS = RunTable(
    ROOT / 'benchmarks/edit_ablation.csv',
    ('model', 'steps', 'setting', 'window', 'word'),
    ('index', 'caption', 'device', 'classifier_accuracy', *COLUMNS),
)
GATES = ROOT / 'benchmarks/gate_calibration.csv'


def run(args: argparse.Namespace, console: Console) -> None:
    """Measure what is not there yet, window by window."""
    if args.device == 'cpu':
        torch.set_num_threads(1)  # on so little, several threads only wait for each other
    shown = windows(args.data, args.images)
    pipe = load_pipeline(ModelSource(args.model, offline=True), args.device)
    bench = Bench(pipe, word_classifier(args.data, args.classifier), args.steps)
    accuracy, model = bench.accuracy(args.data), weights(pipe)
    todo = [edit for edit in edits(shown, args.only) if not ROWS.has(key(edit, model, args.steps))]
    console.print(f'{len(todo)} edits of {len(shown)} windows to measure; model {model}, {args.steps} steps')
    start = time.monotonic()
    for done, edit in enumerate(track(todo, 'editing', console=console)):
        if done and edit.window is not todo[done - 1].window and todo[done - 1].window is todo[0].window:
            say_how_long(console, time.monotonic() - start, done, len(todo))
        about = dict(index=edit.window.index, caption=edit.window.caption, device=pipe.device.type)
        about |= dict(classifier_accuracy=accuracy)
        ROWS.append(key(edit, model, args.steps), about | bench.measure(edit))


def key(edit: Edit, model: str, steps: int) -> tuple[object, ...]:
    """What the row of an edit is found by."""
    return model, steps, edit.name, edit.window.stem, edit.word


def weights(pipe: StableDiffusionXLPipeline) -> str:
    """Twelve digits that tell one model's weights from another's, wherever they lie and whatever is beside."""
    prints = [fingerprint(getattr(pipe, part)) for part in PARTS]
    return hashlib.sha256(''.join(prints).encode()).hexdigest()[:12]


def say_how_long(console: Console, seconds: float, done: int, total: int) -> None:
    """The projection from the edits of the first window."""
    whole = seconds / done * total
    console.print(f'{done} edits took {seconds / 60:.1f} min: about {whole / 60:.0f} min for all {total}')


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--model', default=str(ROOT / 'data/pocket_sdxl'))
    parser.add_argument('--data', type=Path, default=ROOT / 'data/demo_words')
    parser.add_argument(
        '--classifier',
        type=Path,
        help='trained there if absent; default: that of augment/measure_pocket.py, within --data',
    )
    parser.add_argument('--images', type=int, default=12, metavar='N')
    parser.add_argument('--steps', type=int, default=20, metavar='T')
    parser.add_argument('--device', default='cpu')
    names = [*TABLES, EVERY_WORD]
    parser.add_argument('--only', nargs='+', choices=names, default=names, metavar='TABLE', help=', '.join(names))
    parser.add_argument('--print', action='store_true', dest='only_print')
    parser.add_argument('--gates', action='store_true', help=f'calibrate from the rows, into {GATES.name}')
    args = parser.parse_args()
    args.classifier = args.classifier or args.data / FILE
    return args


def main() -> None:
    args = parse()
    if not (args.only_print or args.gates):
        run(args, Console(stderr=True))
    rows = newest(ROWS.rows())
    print(gate_tables(rows, GATES) if args.gates else tables_and_claims(rows, args.only))


if __name__ == '__main__':
    run_command_line(main)
