"""A Ray cluster of several nodes on this machine, each a raylet with its own address on loopback.

from loopback_cluster import LoopbackCluster, needs_ray
cluster = LoopbackCluster()      # a head that does no work; .address
node = cluster.add(2)            # a node at 127.0.0.2 with 2 CPUs
cluster.cut(node)                # as if its plug was pulled
cluster.close()
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mmseg_ext.sweeps.engines.ray_cluster import import_ray

needs_ray = pytest.mark.skipif(find_spec('ray') is None, reason='ray is not installed')
needs_loopback = pytest.mark.skipif(sys.platform != 'linux', reason='127.0.0.2 answers on Linux only')
TESTS = str(Path(__file__).parent)


class LoopbackCluster:
    """Its tasks can import what is in tests/."""

    def __init__(self) -> None:
        import_ray()
        from ray.cluster_utils import Cluster

        self._count = 1
        self._raylets = {}
        self._before = os.environ.get('PYTHONPATH')
        os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [TESTS, self._before]))
        self._cluster = Cluster(initialize_head=True, head_node_args=self._arguments(0))
        self.address = self._cluster.address

    def _arguments(self, cpus: int, gpus: int = 0) -> dict[str, Any]:
        # Not 127.0.0.1: whoever joins there is sent by Ray to the machine's own address.
        self._count += 1
        address = f'127.0.0.{self._count}'
        lean = dict(include_dashboard=False, object_store_memory=80 * 2**20)
        return dict(num_cpus=cpus, num_gpus=gpus, node_ip_address=address, **lean)

    def add(self, cpus: int = 1, gpus: int = 0) -> Any:
        """Start another node and wait until the cluster knows it."""
        node = self._cluster.add_node(**self._arguments(cpus, gpus))
        self._raylets[node] = node.all_processes['raylet'][0].process.pid
        return node

    def cut(self, node: Any) -> None:
        """Kill a node, without a word to its runs or to the cluster."""
        self._cluster.remove_node(node, allow_graceful=False)

    def remove(self, node: Any) -> None:
        """Stop a node in an orderly way."""
        self._cluster.remove_node(node)

    def close(self) -> None:
        """Stop all nodes."""
        self._cluster.shutdown()
        if self._before is None:
            del os.environ['PYTHONPATH']
        else:
            os.environ['PYTHONPATH'] = self._before

    def processes(self, node: Any, word: str) -> list[int]:
        """The processes with ``word`` in their command line that ``node`` has started, even if it is gone."""
        mark = f'RAY_RAYLET_PID={self._raylets[node]}\0'.encode()  # Ray tells it to whatever it starts
        found = []
        for folder in Path('/proc').glob('[0-9]*'):
            try:
                command, environment = ((folder / name).read_bytes() for name in ('cmdline', 'environ'))
            except OSError:
                continue  # it has ended while we looked
            if word.encode() in command and mark in environment:
                found.append(int(folder.name))
        return found
