"""Run a function on many inputs in processes that may die, hang or eat memory.

One worker does many tasks, so imports are paid once; a worker that dies, or works longer than
it may, is replaced, and its task is refused with the reason. Workers are started afresh (no
fork, no copy of the caller's ``__main__``), so this works the same inside any program.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipeline.errors import DataError, ModelError

Task = TypeVar("Task")
Result = TypeVar("Result")
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may use beyond what imports took: processor seconds, address space.

    Processor time says the same on a busy machine. A task that waits, or is starved, for
    ``patience`` times as long by the clock is ended too.
    """

    seconds: float
    memory_gib: float
    patience: float = 20.0


@dataclass(frozen=True, slots=True)
class Job(Generic[Task, Result]):
    """What a worker does with each task. Both functions must be importable by name.

    ``prepare`` runs first, outside the memory limit: the place for heavy imports.
    """

    function: Callable[[Task], Result]
    limits: Limits
    prepare: Callable[[Task], object] | None = None


def run_isolated(
    job: Job[Task, Result], tasks: Iterable[Task], processes: int = 1
) -> Iterator[tuple[Task, Result | ModelError]]:
    """Each task with its result or the ModelError it ended in, as they finish.

    ModelErrors with reason ``timeout``, ``stalled``, ``memory``, ``crashed`` or ``defect`` are
    made here; the last is an exception of no kind of ours, which a stranger's file has found,
    and costs that task alone. Raises the DataError of a task that met a damaged file of the
    project's own.
    """
    pending = iter(tasks)
    workers: list[_Worker[Task, Result]] = [_Worker(job) for _ in range(max(1, processes))]
    try:
        busy = [worker for worker in workers if worker.take(pending)]
        while busy:
            timeout = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
            wait([worker.pipe for worker in busy], timeout)
            for worker in busy:
                if worker.finished():
                    yield worker.collect()
                    worker.take(pending)
            busy = [worker for worker in busy if worker.working]
    finally:
        for worker in workers:
            worker.stop()


class _Worker(Generic[Task, Result]):
    """The parent's end of one worker process, started when it gets its first task."""

    def __init__(self, job: Job[Task, Result]) -> None:
        self.job = job
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe: Any = None
        self.working = False
        self.deadline = 0.0
        self.task: Any = None

    def take(self, tasks: Iterator[Task]) -> bool:
        """Start on the next task, if there is one."""
        for task in tasks:
            if self.process is None:
                self.process, self.pipe = _start()
                self.pipe.send(self.job)
            self.task, self.working = task, True
            limits = self.job.limits
            self.deadline = time.monotonic() + limits.seconds * limits.patience
            self.pipe.send(task)
            return True
        return False

    def finished(self) -> bool:
        """Whether :meth:`collect` would not wait: an answer, a death, or time is up."""
        return bool(self.pipe.poll()) or time.monotonic() >= self.deadline

    def collect(self) -> tuple[Task, Result | ModelError]:
        """The task and what became of it."""
        self.working = False
        try:
            kind, value = self._receive()
        except (EOFError, ConnectionResetError):
            return self.task, self._explain_death()
        limits = self.job.limits
        if kind == "stalled":
            self.stop()
            waited = f"no answer in {limits.seconds * limits.patience:g} seconds"
            return self.task, ModelError("stalled", waited)
        if kind == "damaged":
            raise DataError(value)
        if kind == "refused":
            return self.task, ModelError(*value)
        return self.task, value

    def _receive(self) -> tuple[str, Any]:
        return self.pipe.recv() if self.pipe.poll() else ("stalled", None)

    def _explain_death(self) -> ModelError:
        status = self.process.wait() if self.process else 0
        self.stop()
        if status == -signal.SIGXCPU:
            took = f"took more than {self.job.limits.seconds:g} seconds of processor time"
            return ModelError("timeout", took)
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return ModelError("crashed", f"the process ended with {how}")

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self.process is not None:
            self.pipe.close()
            self.process.kill()  # does nothing to one that has ended by itself
            self.process.wait()
            self.process = None


def _start() -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = multiprocessing.Pipe()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",  # one core a worker: more workers, not more threads
    }
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment,
    )
    theirs.close()
    return process, ours


def serve(pipe: Connection, parent: int) -> None:
    """The worker: a job, then tasks in and answers out, until ``parent`` is gone."""
    _die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an abort leaves no image of its memory
    with contextlib.suppress(EOFError, ConnectionError, KeyboardInterrupt):
        job = pipe.recv()
        while True:
            answer = _answer(job, pipe.recv())
            _limit_memory(math.inf)  # what is left may not do for sending it
            pipe.send(answer)


def _answer(job: Job[Any, Any], task: Any) -> tuple[str, Any]:
    try:
        if job.prepare:
            _limit_processor(job.limits.seconds)  # of its own: the last task's may be used up
            job.prepare(task)
        _limit_memory(job.limits.memory_gib)
        _limit_processor(job.limits.seconds)
        return "done", job.function(task)
    except ModelError as error:
        return "refused", (error.reason, error.detail, error.source)
    except DataError as error:
        return "damaged", str(error)
    except MemoryError:
        return "refused", ("memory", f"needs more than {job.limits.memory_gib:g} GiB")
    except Exception as error:
        return "refused", ("defect", describe(error))


def describe(error: Exception) -> str:
    """An exception in one line, the same in every run: its type, its words, where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    words = " ".join(re.sub(r"0x[0-9a-fA-F]+", "0x", str(error)).split())[:300]
    return f"{type(error).__name__}: {words}{where}"


def _limit_memory(memory_gib: float) -> None:
    """Bound the address space to what is mapped now (imports, mostly) and so much more;
    infinitely much more takes the bound away."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = hard
    if math.isfinite(memory_gib):
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        wanted = mapped + int(memory_gib * GIB)
        limit = wanted if hard < 0 else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _limit_processor(seconds: float) -> None:
    """Have the kernel end this process (SIGXCPU) when it has worked for so much longer."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard < 0 else min(limit, hard), hard))


def _die_with(parent: int) -> None:
    """Ask Linux to kill this process with its parent, so that no export outlives a harvest."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 = PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), int(sys.argv[2]))
