"""Edit the defects of training photographs towards a word, and write a data set that trains as it is.

python augment/p2p_edit.py --word peeling                          # data/wta_512 -> data/wta_512_peeling
python augment/p2p_edit.py --word all --data data/mine             # six sets, which share the inversions
python augment/p2p_edit.py --word peeling --data data/demo_blade --model pocket   # rendered blades, on a laptop
python augment/p2p_edit.py --word peeling --model tiny-random --steps 4 --limit 3     # the whole chain in seconds
python augment/p2p_edit.py --word peeling --explain                # what the prompts make the model do
python augment/p2p_edit.py --word peeling --dry-run                # check every file, say what is left
python augment/p2p_edit.py --word peeling --shard 1/4              # of four machines; then augment/merge.py
python augment/p2p_edit.py --word peeling --ray --shards 4         # the same as tasks of Ray

The same command again does what is left. Exit code 1: the run had to stop, 2: wrong arguments, 3: some photographs
could not be edited (the others are), 130: Ctrl-C.
"""

import sys
from pathlib import Path

if __package__ in (None, ''):  # run by its path: import from the folder above, not from this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from augment.errors import run_command_line
from augment.job.options import build_parser
from augment.job.plan import check_prompts, explanation, make_plan


def main() -> int:
    """Do what the command line asks; the exit code."""
    args = build_parser(__doc__).parse_args()
    if args.explain:
        check_prompts(args)
        print(explanation(args))
        return 0
    plan = make_plan(args)
    check_prompts(args)
    if args.dry_run:
        from augment.job.preview import show_preview

        return show_preview(plan)
    if args.ray is not None:
        from augment.job.ray_launcher import launch

        return launch(plan, sys.argv[1:])
    from augment.job.execute import execute

    return execute(plan)


if __name__ == '__main__':
    run_command_line(main)
