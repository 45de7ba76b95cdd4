"""What a command line says about where runs are done, on machines of all kinds."""

from argparse import ArgumentParser, Namespace

import pytest

from mmseg_ext.errors import UsageError
from mmseg_ext.sweeps.engines import room
from mmseg_ext.sweeps.engines.choose import add_engine_options, make_engine


def parse(*words: str) -> Namespace:
    parser = ArgumentParser()
    add_engine_options(parser)
    return parser.parse_args(words)


@pytest.fixture
def machine(monkeypatch):
    """A function that makes this machine one with so many GPUs, cores and GiB."""

    def become(gpus: int = 0, cores: int = 8, memory: int = 64) -> None:
        pages = {'SC_PAGE_SIZE': 4096, 'SC_PHYS_PAGES': memory * 2**18}
        monkeypatch.setattr(room.torch.cuda, 'device_count', lambda: gpus)
        monkeypatch.setattr(room, 'cores', lambda: cores)
        monkeypatch.setattr(room.os, 'sysconf', pages.__getitem__)

    return become


@pytest.mark.parametrize(
    ('words', 'slots', 'gpus'),
    [
        ((), 4, (0, 1, 2, 3)),
        (('--gpus', '2'), 2, (0, 1)),
        (('--gpus', '2', '--jobs', '4'), 4, (0, 1)),
        (('--gpus', '0'), 8, ()),
        (('--gpus', '0', '--jobs', '3'), 3, ()),
    ],
)
def test_each_gpu_does_a_run_and_without_one_the_cores_are_shared(machine, words, slots, gpus):
    machine(gpus=4)
    engine = make_engine(parse(*words), 100)
    assert (engine.slots, engine.gpus) == (slots, gpus)


def test_gpus_without_a_run_take_no_cores_from_the_others(machine):
    machine(gpus=4)
    assert make_engine(parse(), 2).slots == 2


@pytest.mark.parametrize(
    ('cores', 'memory', 'runs', 'slots'),
    [(8, 64, 100, 8), (8, 64, 3, 3), (8, 13, 100, 4), (8, 2, 100, 1), (1, 64, 9, 1)],
)
def test_on_a_cpu_as_many_runs_at_once_as_cores_memory_and_plan_allow(machine, cores, memory, runs, slots):
    machine(cores=cores, memory=memory)
    assert make_engine(parse(), runs).slots == slots


@pytest.mark.parametrize(
    ('gpus', 'said'),
    [
        (0, '--gpus 5: there is no GPU here that torch can use; take --gpus 0'),
        (1, '--gpus 5: there is 1 GPU here; take --gpus 1'),
        (2, '--gpus 5: there are 2 GPUs here; take --gpus 2'),
    ],
)
def test_more_gpus_than_there_are_are_refused_with_the_cure(machine, gpus, said):
    machine(gpus=gpus)
    with pytest.raises(UsageError) as caught:
        make_engine(parse('--gpus', '5'), 1)
    assert str(caught.value) == said


def test_only_a_cluster_has_an_address(machine):
    machine()
    with pytest.raises(UsageError, match='add --engine ray'):
        make_engine(parse('--address', 'head:6379'), 1)


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--gpus', 'two'), "argument --gpus: 'two' is no whole number from 0 on"),
        (('--gpus', '-1'), 'argument --gpus: '),
        (('--jobs', '0'), 'argument --jobs: 0 is not a positive number'),
        (('--engine', 'slurm'), "argument --engine: invalid choice: 'slurm'"),
    ],
)
def test_nonsense_is_an_error_of_the_command_line(capsys, words, said):
    with pytest.raises(SystemExit) as end:
        parse(*words)
    assert end.value.code == 2
    assert said in capsys.readouterr().err
