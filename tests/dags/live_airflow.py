"""Real Airflow services, each a process stopped by its id, and their REST interface."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests
from airflow_home import PASSWORD

SERVICES = (
    ("api-server", "--workers", "1"),
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
)
DAGS = ("harvest_models", "refresh_dataset", "validate_roundtrip")
Answer = TypeVar("Answer")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def services(environment: Mapping[str, str], logs: Path) -> Iterator[None]:
    """Airflow with the environment's executor, until the block is left, however it is left."""
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack, ExitStack() as terminations:
        for name, *options in SERVICES:
            command = [sys.executable, "-m", "airflow", name, *options]
            log = stack.enter_context((logs / f"{name}.log").open("wb"))
            started = stack.enter_context(process(command, environment, stdout=log))
            terminations.callback(started.terminate)  # all at once: each takes seconds
        yield


@contextmanager
def process(
    command: list[str], environment: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A process and its children, ended with the block: asked first, then killed."""
    started = subprocess.Popen(
        command, env=environment, stderr=subprocess.STDOUT, start_new_session=True, **options
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(120)
        except subprocess.TimeoutExpired:
            started.kill()
        finally:
            kill_group(started.pid)
            started.wait()


def kill_group(group: int) -> None:
    """Kill what is left of a process group."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


class Client:
    """The REST interface of one Airflow, asked again until it answers."""

    def __init__(self, url: str, password: str = PASSWORD) -> None:
        self.url, self.password = url, password
        self.session = requests.Session()

    def log_in(self, seconds: float) -> None:
        """Wait for the three services to be healthy, then take a token."""
        wait_for(self._is_healthy, seconds)
        body = {"username": "admin", "password": self.password}
        token = self.session.post(f"{self.url}/auth/token", json=body, timeout=60).json()
        self.session.headers["Authorization"] = f"Bearer {token['access_token']}"
        self.session.get(f"{self.url}/execution/health", timeout=60)  # slow the first time

    def unpause(self, dag: str, seconds: float) -> None:
        """Let a DAG run, once it is known."""
        wait_for(lambda: self._ask("patch", f"dags/{dag}", {"is_paused": False}), seconds)

    def trigger(self, dag: str, conf: dict[str, Any]) -> requests.Response:
        """Ask for a run."""
        body = {"logical_date": None, "conf": conf}
        return self._send("post", f"dags/{dag}/dagRuns", body)

    def wait_for_run(self, dag: str, seconds: float) -> dict[str, Any]:
        """The DAG's first run, when it has ended."""

        def ended() -> dict[str, Any] | None:
            answer = self._ask("get", f"dags/{dag}/dagRuns")
            runs = answer["dag_runs"] if answer else []
            done = [run for run in runs if run["state"] in ("success", "failed")]
            return done[0] if done else None

        return wait_for(ended, seconds)

    def tasks(self, run: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The task instances of a run."""
        where = f"dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        found: list[dict[str, Any]] = wait_for(lambda: self._ask("get", where), 60)[
            "task_instances"
        ]
        return found

    def _is_healthy(self) -> bool:
        answer = self._ask("get", "monitor/health") or {}
        parts = ("scheduler", "dag_processor")
        return all((answer.get(part) or {}).get("status") == "healthy" for part in parts)

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        try:
            answer = self._send(method, path, body)
        except requests.RequestException:
            return None
        return answer.json() if answer.ok else None

    def _send(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, f"{self.url}/api/v2/{path}", json=body, timeout=60)


def wait_for(ask: Callable[[], Answer | None], seconds: float) -> Answer:
    """The first answer that says something; AssertionError if none does in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        answer = ask()
        if answer:
            return answer
        time.sleep(1)
    raise AssertionError(f"no answer within {seconds} seconds")
