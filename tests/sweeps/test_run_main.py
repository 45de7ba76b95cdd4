"""bash/run_main.sh: what it asks, what it hands to tools/sweep.py and to find_best.py, and how it ends."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from script_job import wait_until

SCRIPT = Path(__file__).resolve().parents[2] / 'bash/run_main.sh'
# Stands in for Python: prints what it is to run, one word a line, and ends with $CODE.
STAND_IN = """#!/usr/bin/env bash
[ "$1" != -c ] || exit "${LACKS:-0}"  # the question whether it has the package
printf '<%s>\\n' "$(basename "$1")" "${@:2}"
[ "$(basename "$1")" != find_best.py ] || exit "${FIND_CODE:-0}"
exit "${CODE:-0}"
"""
FALLBACK = ['--sweep', './configs/sweeps/results.yaml']


def run_main(folder: Path, *words: str, said: str = '', **variables: str) -> subprocess.CompletedProcess:
    """The script with ``said`` typed into it, in an environment of nothing but ``variables``."""
    environment = {'PATH': os.environ['PATH'], 'PYTHON': str(stand_in(folder)), **variables}
    command = ['bash', str(SCRIPT), *words]
    return subprocess.run(command, input=said, capture_output=True, text=True, cwd=folder, env=environment)


def stand_in(folder: Path, text: str = STAND_IN) -> Path:
    file = folder / 'python'
    file.write_text(text)
    file.chmod(0o755)
    return file


def handed(done: subprocess.CompletedProcess) -> list[str]:
    """The words that tools/sweep.py got."""
    assert done.returncode == 0, done.stderr
    first, *words = [line[1:-1] for line in done.stdout.splitlines() if line.startswith('<')]
    assert first == 'sweep.py'
    return words


def ends(project: str, gpus: str, work_dir: str = './work_dirs') -> list[str]:
    return ['--project', project, '--gpus', gpus, '--work-dir', work_dir]


def test_it_asks_for_project_and_gpus(tmp_path):
    assert handed(run_main(tmp_path, said='blades\n0\n')) == [*FALLBACK, *ends('blades', '0')]


@pytest.mark.parametrize(
    ('given', 'said'), [(['--project', 'P'], '2\n'), (['--gpus=2'], 'P\n'), (['--project=P', '--gpus', '2'], '')]
)
def test_it_asks_only_for_what_is_missing(tmp_path, given, said):
    assert handed(run_main(tmp_path, *given, said=said)) == [*FALLBACK, *ends('P', '2')]


@pytest.mark.parametrize(
    ('said', 'error'),
    [
        ('\n', 'error: no project name; type one, or give --project NAME\n'),
        ('', 'error: no project name; type one, or give --project NAME\n'),
        ('P\ntwo\n', 'error: "two" is no number of GPUs; 0 means the CPU\n'),
        ('P\n-1\n', 'error: "-1" is no number of GPUs; 0 means the CPU\n'),
        ('P\n', 'error: "" is no number of GPUs; 0 means the CPU\n'),
    ],
)
def test_nonsense_is_refused_in_one_line(tmp_path, said, error):
    done = run_main(tmp_path, said=said)
    assert (done.returncode, done.stdout, done.stderr) == (2, '', error)


def test_a_terminal_sees_the_questions(tmp_path):
    ours, theirs = pty.openpty()
    environment = {'PATH': os.environ['PATH'], 'PYTHON': str(stand_in(tmp_path))}
    process = subprocess.Popen(
        ['bash', str(SCRIPT)], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environment
    )
    os.close(theirs)
    heard = b''
    for question, answer in ((b'Project name: ', b'P\n'), (b'Number of GPUs (0 for the CPU): ', b'1\n')):
        while not heard.endswith(question):
            heard += os.read(ours, 1)
        os.write(ours, answer)
    out = process.communicate()[0].decode()
    os.close(ours)
    assert process.returncode == 0
    assert '<--project>\n<P>\n<--gpus>\n<1>\n' in out


@pytest.mark.parametrize(
    'words',
    [
        ['--sweep', 'configs/sweeps/losses.yaml', '--dry-run'],
        ['--sweep=configs/sweeps/losses.yaml'],
        ['configs/a/b c.py', '--swap', 'losses=focal', '--seeds', '0', '1'],
    ],
)
def test_all_else_goes_to_the_sweep_as_it_is(tmp_path, words):
    done = run_main(tmp_path, *words, '--project', 'my blades', '--gpus', '1')
    assert handed(done) == [*words, *ends('my blades', '1')]


def test_candidates_are_recipes_of_the_config_folder(tmp_path):
    done = run_main(
        tmp_path,
        *('--seeds', '1', '--project', 'P', '--gpus', '0'),
        TEST_CANDI='fast_scnn/a_1xb8-40k\n  ann/b',
        MODEL_CONFIG_PATH='other/configs',
        WORK_DIR='elsewhere',
    )
    recipes = ['other/configs/fast_scnn/a_1xb8-40k.py', 'other/configs/ann/b.py']
    assert handed(done) == [*recipes, '--seeds', '1', *ends('P', '0', 'elsewhere')]


def test_candidates_may_stand_in_the_file(tmp_path):
    text = SCRIPT.read_text()
    own = tmp_path / 'bash/run_main.sh'
    own.parent.mkdir()
    own.write_text(text.replace('TEST_CANDI=( #', 'TEST_CANDI=( fast_scnn/a ann/b #'))
    assert own.read_text() != text
    environment = {'PATH': os.environ['PATH'], 'PYTHON': str(stand_in(tmp_path))}
    words = ['bash', str(own), '--project', 'P', '--gpus', '0']
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert handed(done)[:2] == ['./configs/fast_scnn/a.py', './configs/ann/b.py']
    given = subprocess.run(words, capture_output=True, text=True, env={**environment, 'TEST_CANDI': 'ccnet/c'})
    assert handed(given)[:2] == ['./configs/ccnet/c.py', '--project']
    asked = subprocess.run([*words, '--sweep', 'x.yaml'], capture_output=True, text=True, env=environment)
    assert handed(asked)[:2] == ['--sweep', 'x.yaml']


def finished_runs(folder: Path) -> None:
    for run in ('b/x/seed0', 'a/x y/seed0', 'a/cut/seed0'):
        (folder / f'work_dirs/P/exp/{run}/train').mkdir(parents=True)
    for run in ('b/x/seed0', 'a/x y/seed0'):
        (folder / f'work_dirs/P/exp/{run}/test').mkdir()
        (folder / f'work_dirs/P/exp/{run}/test/result.json').touch()


P = ('--project', 'P', '--gpus', '0')


@pytest.mark.parametrize('code', ['0', '1'])
def test_the_best_weights_of_finished_runs_are_named_at_the_end(tmp_path, code):
    finished_runs(tmp_path)
    done = run_main(tmp_path, *P, CODE=code)
    assert done.returncode == int(code)
    ending = done.stdout.partition('Best weights of every finished run:\n')[2]
    assert ending == '<find_best.py>\n<./work_dirs/P/exp/a/x y/seed0>\n<./work_dirs/P/exp/b/x/seed0>\n'


def test_another_folder_may_hold_find_best(tmp_path):
    finished_runs(tmp_path)
    stand_in(tmp_path)
    text = STAND_IN.replace('$(basename "$1")" "${@:2}"', '$1"')
    file = tmp_path / 'whole paths'
    file.write_text(text)
    file.chmod(0o755)
    done = run_main(tmp_path, *P, PYTHON=str(file), FIND_BEST_DIR='mine')
    assert done.stdout.splitlines()[-1] == '<mine/find_best.py>'
    assert run_main(tmp_path, *P, PYTHON=str(file)).stdout.splitlines()[-1] == f'<{SCRIPT.parent}/find_best.py>'


@pytest.mark.parametrize(('words', 'code'), [((), '130'), ((), '2'), (('--dry-run',), '0')])
def test_nothing_is_named_when_nothing_was_compared(tmp_path, words, code):
    finished_runs(tmp_path)
    done = run_main(tmp_path, *P, *words, CODE=code)
    assert done.returncode == int(code)
    assert 'find_best' not in done.stdout


def test_the_exit_code_tells_when_the_best_cannot_be_named(tmp_path):
    finished_runs(tmp_path)
    assert run_main(tmp_path, *P, FIND_CODE='2').returncode == 1


def test_help_is_that_of_the_sweep_and_asks_nothing(tmp_path):
    assert run_main(tmp_path, '--help').stdout == '<sweep.py>\n<--help>\n'


def test_an_option_without_its_value(tmp_path):
    done = run_main(tmp_path, '--project')
    assert (done.returncode, done.stderr) == (2, 'error: --project: nothing stands behind it\n')


def test_a_python_without_the_package_is_told(tmp_path):
    done = run_main(tmp_path, *P, LACKS='1')
    assert done.returncode == 2
    assert done.stderr.endswith(
        '/python does not know mmseg_ext; activate its environment: source .venv/bin/activate\n'
    )


LISTENS = """#!/usr/bin/env python
import signal, sys, time
if sys.argv[1] == '-c':
    sys.exit()
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append('INT')) if '--keep' not in sys.argv else None
signal.signal(signal.SIGTERM, lambda *_: heard.append('TERM'))
print('up', flush=True)
try:
    while not heard:
        time.sleep(0.05)
    time.sleep(0.5)  # it saves
    print(*heard, flush=True)
except KeyboardInterrupt:
    print('KeyboardInterrupt', flush=True)
sys.exit(130)
"""


@pytest.mark.parametrize(
    ('number', 'group', 'words', 'heard'),
    [
        (signal.SIGTERM, False, (), 'TERM'),
        (signal.SIGINT, True, (), 'INT'),
        (signal.SIGINT, True, ('--keep',), 'KeyboardInterrupt'),
    ],
)
def test_a_signal_reaches_the_sweep_and_its_end_is_waited_for(tmp_path, number, group, words, heard):
    """SIGTERM as kill sends it to the script alone, SIGINT as a terminal sends it to all."""
    python = stand_in(tmp_path, LISTENS.replace('/usr/bin/env python', sys.executable))
    process = subprocess.Popen(
        ['bash', str(SCRIPT), *P, *words],
        stdout=(tmp_path / 'out').open('w'),
        env={'PATH': os.environ['PATH'], 'PYTHON': str(python)},
        start_new_session=True,
    )
    wait_until(lambda: (tmp_path / 'out').read_text() == 'up\n')
    os.killpg(process.pid, number) if group else process.send_signal(number)
    assert process.wait(30) == 130
    assert (tmp_path / 'out').read_text() == f'up\n{heard}\n'
