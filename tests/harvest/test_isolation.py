"""Workers may die, hang or eat memory: their tasks are refused, all others are done."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from pipeline.errors import DataError, ModelError
from pipeline.harvest.isolation import Job, Limits, run_isolated


def act(task: str) -> str:
    """What a task says, in a worker."""
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hang":
        time.sleep(60)
    while task == "spin":
        pass
    if task == "eat":
        return str(len(bytearray(8 << 30)))
    if task == "refuse":
        raise ModelError("cycle", "goes round", "net.onnx")
    if task == "abort":
        os.abort()
    if task == "damaged":
        raise DataError("shelf/ab/abc.onnx: its content does not match its name")
    if task == "bug":
        raise KeyError("a defect")
    return f"{task} by {os.getpid()}"


def run(
    tasks: list[str], processes: int = 1, seconds: float = 20.0, patience: float = 10.0
) -> dict[str, object]:
    job = Job(act, Limits(seconds, 1.0, patience))
    return dict(run_isolated(job, tasks, processes))


def test_one_worker_does_many_tasks() -> None:
    results = run(["a", "b", "c"])
    assert len({str(result).partition(" by ")[2] for result in results.values()}) == 1


def test_the_caller_is_not_the_worker() -> None:
    assert run(["a"])["a"] != f"a by {os.getpid()}"


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("die", "crashed"),
        ("abort", "crashed"),
        ("eat", "memory"),
        ("refuse", "cycle"),
        ("bug", "defect"),
    ],
)
@pytest.mark.parametrize("processes", [1, 2])
def test_a_bad_task_is_refused_and_the_rest_done(
    task: str, reason: str, processes: int
) -> None:
    results = run(["a", task, "b", "c"], processes)
    refused = results.pop(task)
    assert isinstance(refused, ModelError)
    assert refused.reason == reason
    assert sorted(results) == ["a", "b", "c"]
    assert all(isinstance(result, str) for result in results.values())


@pytest.mark.parametrize(("task", "reason"), [("hang", "stalled"), ("spin", "timeout")])
def test_a_task_that_does_not_end_is_ended(task: str, reason: str) -> None:
    started = time.monotonic()
    results = run([task, "a"], seconds=1.0, patience=4.0 if task == "hang" else 20.0)
    refused = results[task]
    assert isinstance(refused, ModelError)
    assert refused.reason == reason
    assert isinstance(results["a"], str)
    assert time.monotonic() - started < 20


def test_a_defect_is_said_in_one_line_the_same_every_time() -> None:
    first, again = run(["bug"])["bug"], run(["bug"])["bug"]
    assert isinstance(first, ModelError)
    assert re.fullmatch(r"KeyError: 'a defect' \(test_isolation\.py:\d+\)", first.detail)
    assert isinstance(again, ModelError)
    assert first.detail == again.detail


def test_a_damaged_file_of_our_own_is_loud() -> None:
    with pytest.raises(DataError, match="does not match its name"):
        run(["a", "damaged"])


def test_no_task_starts_no_process() -> None:
    started = time.monotonic()
    assert run([]) == {}
    assert time.monotonic() - started < 0.2
