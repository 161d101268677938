"""Files on S3-compatible storage, against moto's server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer
from onnx import TensorProto, helper

from pipeline.errors import ModelError
from pipeline.harvest.params import Files
from pipeline.harvest.sources import files

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys come from the environment only."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def content(operator: str) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"])],
        "net",
        [value("x", TensorProto.FLOAT, [1, 3])],
        [value("y", TensorProto.FLOAT, [1, 3])],
    )
    return helper.make_model(graph).SerializeToString()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def section(endpoint: str, address: str) -> Files:
    return Files(
        addresses=(address,),
        options={"client_kwargs": {"endpoint_url": endpoint}},
    )


def test_a_bucket_is_listed_and_read(endpoint: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket="zoo")
    for name in ("Relu", "Tanh"):
        client.put_object(Bucket="zoo", Key=f"nets/{name}.onnx", Body=content(name))
    client.put_object(Bucket="zoo", Key="nets/readme.txt", Body=b"no model")
    params = section(endpoint, "s3://zoo/nets/*.onnx")
    candidates = list(files.list_candidates(params))
    assert [c.address for c in candidates] == [
        "s3://zoo/nets/Relu.onnx",
        "s3://zoo/nets/Tanh.onnx",
    ]
    assert len({c.version for c in candidates}) == 2
    fetched = files.fetch(candidates[0], params)
    assert [node.op_type for node in fetched.skeleton.graph.node] == ["Relu"]
    assert fetched.bytes == len(content("Relu"))
    assert fetched.file_digest.startswith("etag:")


def test_storage_that_does_not_answer_is_unreachable() -> None:
    params = section("http://127.0.0.1:9", "s3://zoo/nets/*.onnx")
    options = {**params.options, "config_kwargs": {"retries": {"max_attempts": 0}}}
    with pytest.raises(ModelError) as caught:
        list(files.list_candidates(params.model_copy(update={"options": options})))
    assert caught.value.reason == "unreachable"
