"""Join what the shards of a run have made: one manifest, one report.

python augment/merge.py data/wta_512_peeling

Exit code 2: no set of edits, 3: a shard is missing or not finished, or two have made one edit.
"""

import argparse
import sys
from pathlib import Path

if __package__ in (None, ''):  # run by its path: import from the folder above, not from this one
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from augment.dataset.runfile import read_run
from augment.errors import run_command_line
from augment.job.closing import how_to_train, places, summary
from augment.job.merging import merge_shards
from augment.report.write import write_report


def main() -> None:
    """Merge every set that is named, and write its report."""
    parser = argparse.ArgumentParser(
        'merge.py', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', nargs='+', type=Path, help='set of edits that shards have made')
    for root in parser.parse_args().out:
        states = merge_shards(root)
        write_report(root)
        source = read_run(root)['source']['name']
        print('\n'.join([*summary(root, states), *places(root), *how_to_train(root, source)]))


if __name__ == '__main__':
    run_command_line(main)
