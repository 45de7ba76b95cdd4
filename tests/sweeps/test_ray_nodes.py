"""How many runs a cluster has room for, and what each is given: small clusters, counted by hand."""

import pytest

from mmseg_ext.sweeps.engines.ray_nodes import Needs, Node, cpu_needs, gpu_needs

GIB = 2**30


def node(cpus: float = 0, gpus: float = 0, gib: float = 1000) -> Node:
    resources = {'CPU': cpus, 'GPU': gpus, 'memory': gib * GIB}
    return Node('id', 'address', {name: amount for name, amount in resources.items() if amount})


@pytest.mark.parametrize(
    ('cpus', 'runs', 'cores', 'fit'),
    [
        ([8], None, 1, 8),
        ([8], 3, 2, 4),
        ([8], 1, 8, 1),
        ([8], 100, 1, 8),  # more than there are cores: as many as there are
        ([1, 7], 2, 3, 2),  # both on the large one, because a run of four would leave the small one idle
        ([4, 4], 2, 4, 2),
        ([4, 4], 3, 2, 4),
        ([0, 2], 2, 1, 2),
        ([], 2, 1, 0),
        ([0.5], 1, 1, 0),
    ],
)
def test_runs_on_cpus_share_the_cores(cpus, runs, cores, fit):
    nodes = [node(number) for number in cpus]
    needs = cpu_needs(nodes, runs)
    assert (needs.cores, needs.gpus, needs.fit_all(nodes)) == (cores, 0, fit)


def test_runs_on_cpus_need_memory_too():
    nodes = [node(16, gib=7), node(16, gib=2)]
    assert cpu_needs(nodes, None).fit_all(nodes) == 2
    assert cpu_needs(nodes, 2).cores == 8


@pytest.mark.parametrize(
    ('nodes', 'cores', 'fit'),
    [
        ([node(64, 8)], 8, 8),
        ([node(64, 8), node(12, 4)], 3, 12),  # the poorest node decides
        ([node(64, 8), node(32)], 8, 8),  # one without a GPU has no say
        ([node(2, 4)], 0, 4),  # fewer cores than GPUs: no GPU stays idle for that
        ([node(32)], 0, 0),
    ],
)
def test_a_run_on_a_gpu_gets_its_share_of_the_cores(nodes, cores, fit):
    needs = gpu_needs(nodes)
    assert (needs.cores, needs.gpus, needs.fit_all(nodes)) == (cores, 1, fit)


def test_needs_are_told_in_words():
    assert str(Needs(2, memory=3 * GIB)) == '2 CPU and 3 GiB of memory'
    assert str(Needs(4, gpus=1)) == '4 CPU and 1 GPU'
