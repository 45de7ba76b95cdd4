"""Train one recipe, then judge its best weights on the validation split.

python tools/train.py CONFIG                                  # -> work_dirs/default/exp/<model>/<recipe>/train
python tools/train.py CONFIG --swap datasets=mine losses=dice_ce
python tools/train.py CONFIG --cfg-options optim_wrapper.optimizer.lr=3e-4
python tools/train.py CONFIG --resume                         # go on after an interruption
python tools/train.py CONFIG --amp --channels-last --compile  # benchmarks/train_throughput.py says what each gains
python tools/train.py CONFIG --dry-run                        # all checks and the merged config, no training
"""

from mmengine.dist import is_main_process

from mmseg_ext.engine.cli import plan_run, report_run, training_parser
from mmseg_ext.engine.training import train
from mmseg_ext.errors import run_command_line


def main() -> None:
    parser = training_parser(__doc__)
    parser.add_argument(
        '--resume', action='store_true', help='from the last checkpoint of the run, if there is one'
    )
    parser.add_argument('--dry-run', action='store_true', help='check everything, print the config, train nothing')
    args = parser.parse_args()
    plan = plan_run(args)
    if not args.dry_run:
        report_run(train(plan.cfg, plan.folder, args.resume), plan.folder / 'train')
    elif is_main_process():
        print(f'{plan.cfg.pretty_text}\n# all checks passed; the results would go to {plan.folder}')


if __name__ == '__main__':
    run_command_line(main)
