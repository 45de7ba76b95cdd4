"""The Ray cluster that runs are sent to: one that is there, or one of this machine; found, checked, kept quiet."""

import os
import socket
import tempfile
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from mmseg_ext.engine.machine import cores
from mmseg_ext.engine.preflight import first_line
from mmseg_ext.errors import UsageError, listed
from mmseg_ext.sweeps.engines.ray_nodes import Node
from mmseg_ext.sweeps.engines.ray_task import sees
from mmseg_ext.sweeps.engines.room import usable_gpus

# Read by Ray when it is imported. How a run ends is told by the one who asked for it, once; what its own processes
# have to say is in their logs. A run that its node has no memory for has failed, as it has anywhere else.
SETTINGS = {
    'RAY_USAGE_STATS_ENABLED': '0',
    'RAY_SCHEDULER_EVENTS': '0',
    'RAY_DEDUP_LOGS_SKIP_REGEX': '.*',
    'RAY_task_oom_retries': '0',
}
TOKEN = Path('~/.ray/auth_token')  # where there is one, ``ray start --head`` lets nobody in without it
STORE = 100 * 2**20  # bytes of shared memory for what tasks return, which is an exit code
ANSWER = 5.0  # seconds in which the head of a cluster must take a connection
PATIENCE = 60.0  # seconds in which a node must have looked for a file


def import_ray() -> ModuleType:
    """Ray with our settings. UsageError with the command that installs it when it is missing."""
    if find_spec('ray') is None:
        raise UsageError("ray not installed; pip install -c requirements/constraints.txt -e '.[cluster]'")
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    if TOKEN.expanduser().is_file():
        os.environ.setdefault('RAY_AUTH_MODE', 'token')  # which a cluster without tokens does not mind
    import ray

    return ray


def connect(address: str | None, gpus: int | None) -> bool:
    """Join the cluster at ``address`` (HOST:PORT, or auto), else at $RAY_ADDRESS, else start one on this machine.

    That one has ``gpus`` GPUs, or all when None. False, and nothing is done, when this process is in a cluster
    already. UsageError when no cluster answers at ``address``, or this machine has fewer GPUs.
    """
    ray, address = import_ray(), address or os.environ.get('RAY_ADDRESS')
    if ray.is_initialized():
        return False
    if address:
        _join(address)
    else:
        own = dict(num_cpus=cores(), num_gpus=len(usable_gpus(gpus)), object_store_memory=STORE)
        ray.init('local', include_dashboard=False, log_to_driver=False, logging_level='CRITICAL', **own)
    return True


def _join(address: str) -> None:
    ray = import_ray()
    _check_answer(address)
    try:
        ray.init(address, log_to_driver=False, logging_level='CRITICAL')
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        locked = 'InvalidAuthToken' in f'{error} {error.__cause__}'
        reason = f'the cluster wants its token: copy {TOKEN} of its head here' if locked else first_line(error)
        raise UsageError(f'--address {address}: {reason}') from error


def _check_answer(address: str) -> None:
    """Raise UsageError unless something listens there; Ray itself would go on trying for a quarter of an hour."""
    if address == 'auto':
        return
    host, _, port = address.rpartition(':')
    if not host or not port.isdecimal() or '/' in host:
        raise UsageError(f'--address {address}: expected HOST:PORT of the head of a Ray cluster, or auto')
    if host in ('localhost', '127.0.0.1'):
        host = import_ray().util.get_node_ip_address()  # which Ray takes instead
    try:
        socket.create_connection((host, int(port)), ANSWER).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f'--address {address}: nothing answers at {host}:{port} ({error}); start the cluster there with '
            f'ray start --head --port {port}, or leave --address out for one of this machine'
        ) from error


def living_nodes() -> list[Node]:
    """The nodes of the cluster at this moment."""
    found = [node for node in import_ray().nodes() if node['Alive']]
    return [Node(node['NodeID'], node['NodeManagerAddress'], node['Resources']) for node in found]


def check_shared(folder: Path) -> None:
    """Raise UsageError with a line for each node that does not see ``folder``, or that lacks this package."""
    ray = import_ray()
    with tempfile.NamedTemporaryFile(dir=folder, prefix='.seen-') as file:
        asked = {ray.remote(sees).options(**_on(node)).remote(file.name): node for node in living_nodes()}
        ray.wait([*asked], num_returns=len(asked), timeout=PATIENCE)
        alive = living_nodes()  # one that has died since we asked it is no problem
        problems = [_problem(ref, node.address, folder) for ref, node in asked.items() if node in alive]
    if any(problems):
        raise UsageError(listed(filter(None, problems)))


def _on(node: Node) -> dict[str, Any]:
    """Options of a task that runs on ``node`` only, however busy that is."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return dict(num_cpus=0, max_retries=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False))


def _problem(ref: Any, address: str, folder: Path) -> str | None:
    """What came of the look that the node at ``address`` took at ``folder``; None when all is well."""
    ray = import_ray()
    try:
        seen = ray.get(ref, timeout=0)
    except ray.exceptions.GetTimeoutError:
        return f'node {address}: no answer within {PATIENCE:.0f} seconds; see ray status'
    except ray.exceptions.RayTaskError as error:
        return f'node {address}: {essence(error)}; install there what is installed here'
    except ray.exceptions.RayError as error:
        return f'node {address}: {essence(error)}; see ray status'
    if seen:
        return None
    return f'node {address}: does not see {folder}; it must be on a file system that all nodes share, at one path'


def essence(error: Exception) -> str:
    """The line of an error that says what it is: the last one of what was raised in a task, else the first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1 if isinstance(error, import_ray().exceptions.RayTaskError) else 0].strip()
