"""The compose file and the Dockerfile, as far as they can be checked without a daemon."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow_home import REPOSITORY

DOCKER = REPOSITORY / "docker"
AIRFLOW = {"prepare", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
PINNED = re.compile(r"[\w./-]+:\d+(\.\d+)+[\w.-]*")
SECRETS = {
    "ADMIN_PASSWORD",
    "FERNET_KEY",
    "JWT_SECRET",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
}
SETTINGS = {"PORT", "NN2VEC_REMOTE", "NN2VEC_WORKER_MEMORY", "NN2VEC_WORKER_SLOTS"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    named = {volume for s in compose["services"].values() for volume in s.get("volumes", ())}
    assert {volume.split(":")[0] for volume in named} == set(compose["volumes"])
    found: dict[str, Any] = compose["services"]
    return found


def test_every_service_is_there_and_pinned(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "redis", "s3"} | AIRFLOW
    for name, service in services.items():
        assert PINNED.fullmatch(service["image"]), name


def test_what_stays_up_is_checked(services: dict[str, Any]) -> None:
    for name in set(services) - {"prepare"}:
        assert services[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
    for name in AIRFLOW - {"prepare"}:
        checked = ["CMD", "docker/service.sh", "healthy", name]
        assert services[name]["healthcheck"]["test"] == checked
        assert services[name]["command"] == [name]


def test_they_start_in_order(services: dict[str, Any]) -> None:
    assert set(services["prepare"]["depends_on"]) == {"postgres", "redis", "s3"}
    for name in AIRFLOW - {"prepare"}:
        first = services[name]["depends_on"]["prepare"]
        assert first == {"condition": "service_completed_successfully"}


def test_no_secret_has_a_default() -> None:
    text = (DOCKER / "compose.yaml").read_text()
    used = re.findall(r"(?<!\$)\$\{(\w+)(:[^}]*)?\}", text)
    assert {name for name, _ in used} == SECRETS | SETTINGS
    assert {default for name, default in used if name in SECRETS} == {":?"}
    documented = (DOCKER / "README.md").read_text()
    assert all(name in documented for name in SECRETS)
    assert not any(name in (DOCKER / "Dockerfile").read_text() for name in SECRETS)


def test_the_services_run_from_the_lock_file_as_nobody_special() -> None:
    text = (DOCKER / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert bases
    assert all(PINNED.fullmatch(base) for base in bases)
    users = re.findall(r"^USER (\S+)", text, re.MULTILINE)
    assert users[-1].isdigit()
    assert int(users[-1]) > 0
    assert "--requirement requirements.lock" in text
    assert re.search(r'ENTRYPOINT \["docker/service.sh"\]', text)


def test_service_refuses_what_it_does_not_know() -> None:
    for words in ([], ["database"], ["healthy", "database"]):
        done = subprocess.run([DOCKER / "service.sh", *words], capture_output=True, text=True)
        assert done.returncode == 2
        assert "service" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["shellcheck", "service.sh", "celery.sh"],
        ["bash", "-n", "service.sh"],
        ["bash", "-n", "celery.sh"],
    ],
    ids=" ".join,
)
def test_lint(command: list[str]) -> None:
    if not shutil.which(command[0]):
        pytest.skip(f"not installed: {command[0]}")
    done = subprocess.run(command, cwd=DOCKER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_can_be_executed() -> None:
    scripts = sorted(Path(DOCKER).glob("*.sh"))
    assert [script.name for script in scripts] == ["celery.sh", "service.sh"]
    assert all(script.stat().st_mode & 0o111 == 0o111 for script in scripts)


def test_every_service_has_limits(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"(\$\{\w+:-)?\d+[gm]\}?", service["mem_limit"]), name
        assert service["pids_limit"] <= 1024, name


def test_the_remote_is_the_environments_and_a_new_image_brings_its_queries(
    services: dict[str, Any],
) -> None:
    worker = services["worker"]
    assert worker["environment"]["NN2VEC_REMOTE"].startswith("${NN2VEC_REMOTE:-")
    assert worker["environment"]["NN2VEC_REMOTE_ENDPOINT"].startswith(
        "${NN2VEC_REMOTE_ENDPOINT-"
    )
    hidden = [volume.split(":")[1] for volume in worker["volumes"]]
    assert not any("/nn2vec/datasets/queries".startswith(path) for path in hidden)
