"""The process of a run: how it is started, and what is said about its end. The nodes of a cluster use it too."""

import os
import shlex
import subprocess
import time
from collections.abc import Mapping

from mmseg_ext.files import writable_folder, write_json
from mmseg_ext.sweeps.engines.lock import BusyError
from mmseg_ext.sweeps.engines.reasons import START, failure_reason
from mmseg_ext.sweeps.jobs import FAILURE, LOG, Ended, Job

THREADS = ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS')  # where libraries look how many to use
STOPPED = 'stopped'  # the reason of a run that was asked to


def start_process(job: Job, environment: Mapping[str, str]) -> subprocess.Popen:
    """Start the process of ``job`` in a session of its own; what it prints goes to the end of <run>/log.txt.

    ``environment`` comes on top of this process's. Its standard input is a pipe that nothing is written to: when
    this process is gone, however it died, the pipe ends and the run saves and stops. The failure.json of the last
    attempt is removed. Raises UsageError when the folder cannot be written.
    """
    folder = writable_folder(job.folder)
    (folder / FAILURE).unlink(missing_ok=True)
    with (folder / LOG).open('a', encoding='utf-8') as log:
        log.write(f'{START}{time.strftime("%Y-%m-%d %H:%M:%S")} {shlex.join(job.command())}\n')
        log.flush()
        return subprocess.Popen(
            job.command(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'PYTHONUNBUFFERED': '1', **environment},
            start_new_session=True,
        )


def end_of(job: Job, code: int, seconds: float, stopped: bool = False) -> Ended:
    """How ``job`` ended, from its process's exit code; why it failed is also left in <run>/failure.json.

    A run that was ``stopped`` on purpose has not failed, nor has one that another process works on.
    """
    if code == 0:
        return Ended(job, code, seconds)
    log = job.folder / LOG
    reason = STOPPED if stopped else failure_reason(log, code)
    if not stopped and code != BusyError.exit_code:
        when = time.strftime('%Y-%m-%d %H:%M:%S')
        failure = dict(reason=reason, code=code, seconds=round(seconds, 1), log=str(log), time=when)
        write_json(job.folder / FAILURE, failure)
    return Ended(job, code, seconds, reason)
