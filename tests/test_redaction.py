"""Credentials are refused where they enter, and never quoted."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.command import refusals
from pipeline.errors import DataError, ModelError
from pipeline.harvest.params import Files, HarvestParams
from pipeline.params import load_harvest, read_plain
from pipeline.printing import print_result
from pipeline.redaction import find_credential, printable, redact
from pipeline.registry.render import render
from pipeline.registry.sql import Result

SECRETS = (
    "https://me:hunter2@host/net.onnx",
    "https://hunter2@host/net.onnx",
    "s3://bucket/net.onnx?X-Amz-Signature=hunter2&X-Amz-Expires=60",
    "https://host/net.onnx?access_token=hunter2",
    "https://host/net.onnx?part=1&api-key=hunter2",
    "https://host/net.onnx?sv=2024&sig=hunter2",
    "simplecache::https://me:hunter2@host/net.onnx",
)
PLAIN = (
    "https://host/net.onnx",
    "https://host/net@v2.onnx?design=b&monkey=c&tokenizer=d",
    "models/*.onnx",
    "hf://zoo/resnet18@main/model.onnx",
    "a key = value, a token, 3 = 3",
)
OPTIONS = (
    {"key": "hunter2"},
    {"secret": "hunter2"},
    {"client_kwargs": {"aws_session_token": "hunter2"}},
    {"headers": {"Authorization": "Bearer hunter2"}},
    {"target_options": [{"password": "hunter2"}]},
    {"connection_string": "AccountName=a;AccountKey=hunter2"},
)


@pytest.mark.parametrize("text", SECRETS)
def test_a_text_loses_its_credential_and_nothing_else(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "net.onnx" in redact(text)
    assert redact(redact(text)) == redact(text)
    assert "hunter2" not in redact(f"ConnectionError: host: Max retries with url: {text} (x)")
    assert find_credential({"addresses": [text]}) == "addresses.0"


@pytest.mark.parametrize("text", PLAIN)
def test_what_holds_none_stays(text: str) -> None:
    assert redact(text) == text
    assert find_credential({"addresses": [text]}) is None


@pytest.mark.parametrize("text", SECRETS)
def test_no_error_shows_one(text: str) -> None:
    error = ModelError("unreachable", f"{text}: refused", text)
    for shown in (str(error), repr(error), error.detail, error.at(text).source, *error.args):
        assert "hunter2" not in shown


@pytest.mark.parametrize("address", SECRETS)
def test_an_address_with_one_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(ValidationError) as caught:
        HarvestParams.model_validate({"sources": {"files": {"addresses": [address]}}})
    assert "hunter2" not in str(caught.value)
    assert "addresses.0 holds a credential" in str(caught.value)


@pytest.mark.parametrize("options", OPTIONS)
def test_options_with_one_are_refused_without_showing_it(options) -> None:
    with pytest.raises(ValidationError) as caught:
        Files(addresses=("s3://bucket/net.onnx",), options=options)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("plain", [{"anon": True}, {"endpoint_url": "http://host:9"}, {}])
def test_other_options_pass(plain) -> None:
    assert Files(options=plain).options == plain


@pytest.mark.parametrize("read", [read_plain, lambda root: load_harvest(root, "mine")])
def test_parameters_with_one_reach_no_manifest(tmp_path: Path, read) -> None:
    text = "harvest: {mine: {sources: {files: {options: {secret: hunter2}}}}}"
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(DataError, match=r"params\.yaml.*credential") as caught:
        read(tmp_path)
    assert "hunter2" not in str(caught.value)


COMMANDS = ("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\x08", "\x7f", "\u202e")


def spelled(command: str) -> str:
    return "".join(
        c if c.isascii() and c.isprintable() else f"\\x{ord(c):02x}" for c in command
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_no_text_commands_the_terminal(command: str, capsys: pytest.CaptureFixture) -> None:
    assert printable(f"net {command} ä\n\t") == f"net {spelled(command)} ä\n\t"
    print_result({"name": f"net {command}"}, as_json=False)
    table = render(Result(("name",), [(f"net {command}",)]))
    with pytest.raises(SystemExit), refusals():
        raise ModelError("cycle", f"{command} waits for itself")
    shown = capsys.readouterr()
    for text in (shown.out, shown.err, table):
        assert command not in text
        assert spelled(command)[:4] in text
