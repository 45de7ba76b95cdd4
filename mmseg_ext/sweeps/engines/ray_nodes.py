"""The nodes of a Ray cluster, what a run is given of them, and how many runs they have room for."""

from collections.abc import Sequence
from dataclasses import dataclass

MEMORY = 3 * 2**30  # bytes that a run on CPUs may take of its node: network, batch and two loader processes


@dataclass(frozen=True)
class Node:
    """A living machine of the cluster, and all it has to give: ``CPU``, ``GPU``, ``memory`` (bytes)."""

    id: str
    address: str
    resources: dict[str, float]


@dataclass(frozen=True)
class Needs:
    """What one run is given of its node."""

    cores: int
    gpus: int = 0
    memory: int = 0

    def fit(self, node: Node) -> int:
        """How many such runs ``node`` has room for."""
        amounts = {'CPU': self.cores, 'GPU': self.gpus, 'memory': self.memory}
        return int(min(node.resources.get(name, 0) // amount for name, amount in amounts.items() if amount))

    def fit_all(self, nodes: Sequence[Node]) -> int:
        """How many such runs all nodes have room for."""
        return sum(map(self.fit, nodes))

    def __str__(self) -> str:
        other = '1 GPU' if self.gpus else f'{self.memory / 2**30:g} GiB of memory'
        return f'{self.cores} CPU and {other}'


def gpu_needs(nodes: Sequence[Node]) -> Needs:
    """A GPU, and as many cores as go with one on the node that has fewest of them; that may be none."""
    have = [node.resources for node in nodes if node.resources.get('GPU')]
    return Needs(int(min((each.get('CPU', 0) // each['GPU'] for each in have), default=0)), gpus=1)


def cpu_needs(nodes: Sequence[Node], runs: int | None) -> Needs:
    """As many cores as leave room for ``runs`` runs at once; one core when nothing does, or for no number."""
    most = int(max((node.resources.get('CPU', 0) for node in nodes), default=0))
    wanted = (Needs(cores, memory=MEMORY) for cores in range(most, 1, -1)) if runs else ()
    return next((needs for needs in wanted if needs.fit_all(nodes) >= runs), Needs(1, memory=MEMORY))
