"""The command line as tests call it."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from pipeline import cli


def run(*arguments: object, stdin: str = "") -> Result:
    return CliRunner().invoke(cli.main, [str(a) for a in arguments], input=stdin)


def documents(result: Result) -> list[dict]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def assert_refused(result: Result, naming: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("nn2vec: ")]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert naming in lines[0]
