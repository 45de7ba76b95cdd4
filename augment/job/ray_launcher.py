"""The shards of a run as tasks of a Ray cluster, each the same command with ``--shard i/n``; then the merge.

All nodes must see the photographs, the sets and this package at the same paths. A shard whose node dies is begun
again on another one and goes on where the journal ends.
"""

import argparse
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from augment.dataset.manifest import read_records
from augment.dataset.outset import clear
from augment.errors import RunError, UsageError
from augment.job.closing import PROJECT, how_to_train, places, summary
from augment.job.merging import merge_shards
from augment.job.plan import Plan
from augment.job.progress import Screen

SETTINGS = {'RAY_USAGE_STATS_ENABLED': '0', 'RAY_SCHEDULER_EVENTS': '0', 'RAY_DEDUP_LOGS_SKIP_REGEX': '.*'}
STORE = 100 * 2**20  # bytes of shared memory for what tasks return, which is an exit code
RETRIES = 5  # nodes that may die under one shard
ANSWER = 5.0  # seconds in which the head of a cluster must take a connection
POLL = 1.0  # seconds between two looks at the journals
FAILED = 3  # the exit code of a shard in which some edits have failed: the others are done


def launch(plan: Plan, arguments: Sequence[str]) -> int:
    """Run all shards and join them; 0, or 3 when an edit has failed. RunError when a shard was lost."""
    ray = _import_ray()
    count = plan.args.shards
    commands = {index: shard_command(arguments, index, count) for index in range(1, count + 1)}
    with _cluster(ray, plan.args.ray):
        for root in plan.sets if plan.args.overwrite else ():
            clear(root)
        logs = {index: _log(plan, index, count) for index in commands}
        codes = _all(ray, plan, commands, logs)
    ends = {f'shard {index}/{count}': (code, logs[index]) for index, code in codes.items()}
    lost = [
        f'{name}: exit code {code}, see {log}' for name, (code, log) in ends.items() if code not in (0, FAILED)
    ]
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
    folder = next(iter(plan.sets)).absolute() / '.shards'  # hidden: the set is none until run.json is there
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f'{folder}: cannot write there ({(error.strerror or "").lower()}); choose --out'
        ) from error
    return folder / f'{index}-of-{count}.txt'


def _import_ray() -> ModuleType:
    if find_spec('ray') is None:
        raise UsageError(
            "--ray: ray is not installed; pip install -c requirements/constraints.txt -e '.[cluster]'"
        )
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    return ray


@contextmanager
def _cluster(ray: ModuleType, address: str) -> Iterator[None]:
    """A member of the cluster until the block ends; Ray's own answer to SIGTERM goes with it."""
    answer = signal.getsignal(signal.SIGTERM)
    _connect(ray, address)
    try:
        yield
    finally:
        ray.shutdown()
        signal.signal(signal.SIGTERM, answer)


def _connect(ray: ModuleType, address: str) -> None:
    """Join the cluster at ``address``, else at $RAY_ADDRESS, else start one of this machine."""
    address = address or os.environ.get('RAY_ADDRESS', '')
    quiet = dict(log_to_driver=False, logging_level='CRITICAL')
    _check_answer(address)
    try:
        if address:
            ray.init(address, **quiet)
        else:
            ray.init('local', include_dashboard=False, object_store_memory=STORE, **quiet)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = str(error).strip().partition('\n')[0]
        raise UsageError(f'--ray {address}: {reason}; is ray start --head running there?') from error


def _check_answer(address: str) -> None:
    """Raise UsageError unless something listens there; Ray itself would go on trying for minutes."""
    if address in ('', 'auto'):
        return
    host, _, port = address.rpartition(':')
    if not host or not port.isdecimal():
        raise UsageError(f'--ray {address}: expected HOST:PORT of the head of a cluster, or auto')
    try:
        socket.create_connection((host, int(port)), ANSWER).close()
    except (OSError, OverflowError) as error:
        cure = f'start it there with ray start --head --port {port}'
        raise UsageError(f'--ray {address}: nothing answers ({error}); {cure}') from error


def _all(ray: ModuleType, plan: Plan, commands: dict[int, list[str]], logs: dict[int, Path]) -> dict[int, int]:
    """Exit codes by shard; a bar counts the lines of the journals. Ctrl-C lets the shards end in order."""
    from rich.console import Console

    needs = dict(num_gpus=1, num_cpus=1) if ray.cluster_resources().get('GPU') else dict(num_gpus=0, num_cpus=1)
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers may not find this package
    task = ray.remote(work).options(max_retries=RETRIES, **needs)
    places = str(Path.cwd()), str(PROJECT)
    refs = {
        task.remote(command, places[0], str(logs[index]), places[1]): index for index, command in commands.items()
    }
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


def work(command: list[str], folder: str, log: str, package: str) -> int:
    """On a node: run ``command`` in ``folder``, its lines to the end of ``log``; cancelling ends it in order.

    ``package`` is the folder that this package is in. The exit code.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path = os.pathsep.join(filter(None, [package, os.environ.get('PYTHONPATH')]))
    with Path(log).open('a', encoding='utf-8') as file:
        file.write(f'=== {shlex.join(command)}\n')
        file.flush()
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'PYTHONPATH': path},
            start_new_session=True,
        )
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
        print('\n'.join([*lines, *how_to_train(root, plan.source.name)]))
    return FAILED if failed else 0
