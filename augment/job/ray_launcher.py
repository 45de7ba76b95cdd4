"""The shards of a run as tasks of a Ray cluster, each the same command with ``--shard i/n``; then the merge.

All nodes must see the photographs, the sets and this package at the same paths. A shard whose node dies is begun
again on another one and goes on where the journal ends.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from augment.errors import RunError, UsageError
from augment.job.closing import how_to_train, places, summary
from augment.job.manifest import read_records
from augment.job.merging import merge_shards
from augment.job.outset import clear
from augment.job.plan import Plan
from augment.job.progress import Screen

SETTINGS = {'RAY_USAGE_STATS_ENABLED': '0', 'RAY_SCHEDULER_EVENTS': '0', 'RAY_DEDUP_LOGS_SKIP_REGEX': '.*'}
STORE = 100 * 2**20  # bytes of shared memory for what tasks return, which is an exit code
RETRIES = 5  # nodes that may die under one shard
POLL = 1.0  # seconds between two looks at the journals
FAILED = 3  # the exit code of a shard in which some edits have failed: the others are done


def launch(plan: Plan, arguments: Sequence[str]) -> int:
    """Run all shards and join them; 0, or 3 when an edit has failed. RunError when a shard was lost."""
    ray = _import_ray()
    count = plan.args.shards
    if plan.args.overwrite:
        for root in plan.sets:
            clear(root)
    commands = {index: shard_command(arguments, index, count) for index in range(1, count + 1)}
    logs = {index: _log(plan, index, count) for index in commands}
    _connect(ray, plan.args.ray)
    try:
        codes = _all(ray, plan, commands, logs)
    finally:
        ray.shutdown()
    lost = [f'shard {index}/{count}: exit code {code}, see {logs[index]}' for index, code in codes.items()
            if code not in (0, FAILED)]  # fmt: skip
    if lost:
        raise RunError('\n       '.join([*lost, 'the same command goes on with what is left']))
    return _join(plan, FAILED in codes.values())


def shard_command(arguments: Sequence[str], index: int, count: int) -> list[str]:
    """The command of one shard: ``arguments`` without what speaks of Ray."""
    ours = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    ours.add_argument('--ray', nargs='?')
    ours.add_argument('--shards')
    ours.add_argument('--overwrite', action='store_true')
    _, rest = ours.parse_known_args([*arguments])
    return [sys.executable, '-m', 'augment.p2p_edit', *rest, '--shard', f'{index}/{count}']


def _log(plan: Plan, index: int, count: int) -> Path:
    """Where a shard's lines go: into the first of the sets."""
    folder = next(iter(plan.sets)).absolute() / 'logs'
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f'{folder}: cannot write there ({(error.strerror or "").lower()}); choose --out'
        ) from error
    return folder / f'.shard-{index}-of-{count}.txt'


def _import_ray() -> ModuleType:
    if find_spec('ray') is None:
        raise UsageError(
            "--ray: ray is not installed; pip install -c requirements/constraints.txt -e '.[cluster]'"
        )
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    return ray


def _connect(ray: ModuleType, address: str) -> None:
    """Join the cluster at ``address``, else at $RAY_ADDRESS, else start one of this machine."""
    address = address or os.environ.get('RAY_ADDRESS', '')
    quiet = dict(log_to_driver=False, logging_level='CRITICAL')
    try:
        if address:
            ray.init(address, **quiet)
        else:
            ray.init('local', include_dashboard=False, object_store_memory=STORE, **quiet)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = str(error).strip().partition('\n')[0]
        raise UsageError(f'--ray {address}: {reason}; is ray start --head running there?') from error


def _all(ray: ModuleType, plan: Plan, commands: dict[int, list[str]], logs: dict[int, Path]) -> dict[int, int]:
    """Exit codes by shard; a bar counts the lines of the journals. Ctrl-C lets the shards end in order."""
    from rich.console import Console

    needs = dict(num_gpus=1, num_cpus=1) if ray.cluster_resources().get('GPU') else dict(num_gpus=0, num_cpus=1)
    task = ray.remote(work).options(max_retries=RETRIES, **needs)
    refs = {task.remote(command, str(Path.cwd()), str(logs[index])): index for index, command in commands.items()}
    total = len(plan.items) * len(plan.words)
    with Screen(total, Console(stderr=True)) as screen:
        left = [*refs]
        try:
            while left:
                _, left = ray.wait(left, num_returns=len(left), timeout=POLL)
                screen.show(sum(len(read_records(root)) for root in plan.sets))
        except KeyboardInterrupt as error:
            for ref in left:
                ray.cancel(ref)
            ray.wait(left, num_returns=len(left), timeout=60)
            raise KeyboardInterrupt('interrupted: the same command goes on with what is left') from error
    return {index: _code(ray, ref) for ref, index in refs.items()}


def _code(ray: ModuleType, ref: Any) -> int:
    try:
        return ray.get(ref)
    except ray.exceptions.RayError:
        return -1


def work(command: list[str], folder: str, log: str) -> int:
    """On a node: run ``command`` in ``folder``, its lines to the end of ``log``; cancelling ends it in order."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH')]))
    with Path(log).open('a', encoding='utf-8') as file:
        file.write(f'=== {shlex.join(command)}\n')
        file.flush()
        process = subprocess.Popen(
            command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, 'PYTHONPATH': path},
            start_new_session=True,
        )  # fmt: skip
        try:
            while process.poll() is None:  # what Ray raises does not wake a process that sleeps
                time.sleep(0.1)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return process.returncode


def _join(plan: Plan, failed: bool) -> int:
    from augment.report.write import write_report

    for root in plan.sets:
        states = merge_shards(root)
        write_report(root)
        lines = [*summary(root, states), *places(root)]
        print('\n'.join([*lines, *(how_to_train(root, plan.source) if plan.source.labels else [])]))
    return FAILED if failed else 0
