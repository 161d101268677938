"""One model through the journey and back, and what that kept and lost."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np

from pipeline.decode.codec import Codec
from pipeline.errors import ModelError, UnsupportedOperator
from pipeline.evaluate.inspect import unsupported_operators
from pipeline.evaluate.runs import runs
from pipeline.graph.network import Network, Shape
from pipeline.operators.read_onnx import Source, read_onnx, read_weights
from pipeline.operators.shapes import infer_layers
from pipeline.operators.write_onnx import to_onnx

LARGEST_FILE = 2**31  # bytes that ONNX Runtime takes from memory


@dataclass(frozen=True)
class RoundTrip:
    """One line of ``nn2vec roundtrip --json``. ``exact``: the fingerprint is the same, from
    the vectors alone where a codec is used; ``max_abs_difference``: of torch's output on
    random input against ONNX Runtime's on the file, where the file has weights and they fit:
    ``not_compared`` says where vectors alone gave another network."""

    model: str
    vertices: int
    edges: int
    unsupported: tuple[str, ...]
    exact: bool
    patch_bytes: int | None
    exact_with_patch: bool | None
    runs: bool
    max_abs_difference: float | None
    max_rel_difference: float | None
    why_not: str = ""
    not_compared: str = ""
    lost: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As JSON holds it: what went well needs no explanation."""
        explanations = ("why_not", "not_compared", "lost")
        return {k: v for k, v in asdict(self).items() if v or k not in explanations}


def round_trip(
    source: Source, name: str, codec: Codec | None = None, input_shape: Shape | None = None
) -> RoundTrip:
    """ONNX -> graph -> ONNX and torch; with a codec, through its vectors.

    Raises ModelError where the file is refused.
    """
    network = read_onnx(source, input_shape)
    patch_bytes, with_patch = None, None
    lost: tuple[str, ...] = ()
    if codec is None:
        rebuilt = read_onnx(io.BytesIO(to_onnx(network).SerializeToString()))
    else:
        code = codec.encode(network)
        rebuilt = codec.decode(code, patch=False)
        patch_bytes = len(code.patch)
        with_patch = codec.decode(code) == network
        lost = explain_losses(network, codec.draft(code.latents))
    reason = runs(rebuilt)
    exact = rebuilt == network
    absolute, relative = compare_numbers(source, rebuilt) if exact else (None, None)
    return RoundTrip(
        name,
        len(network),
        sum(1 for _ in network.edges),
        unsupported_operators(network),
        exact,
        patch_bytes,
        with_patch,
        reason is None,
        absolute,
        relative,
        reason or "",
        "" if exact else "another network came back: the file's weights do not fit it",
        lost,
    )


def explain_losses(network: Network, draft: list[Any]) -> tuple[str, ...]:
    """In words, vertex by vertex, what the vectors alone do not give back."""
    lost = []
    for index, (vertex, made) in enumerate(zip(network.vertices, draft, strict=True)):
        if made.operator != vertex.operator:
            lost.append(f"vertex {index}: {vertex.operator} came back as {made.operator}")
            continue
        have, want = dict(made.attributes), dict(vertex.attributes)
        for key in sorted(have.keys() | want.keys()):
            if repr(have.get(key)) != repr(want.get(key)):
                was, now = want.get(key), have.get(key)
                lost.append(
                    f"vertex {index} ({vertex.operator}): {key} was {was}, became {now}"
                )
        if made.operands != vertex.operands:
            lost.append(f"vertex {index} ({vertex.operator}): takes other operands")
    return tuple(lost)


def compare_numbers(source: Source, network: Network) -> tuple[float | None, float | None]:
    """max |torch - ONNX Runtime| and the same over max |output|; None without weights or
    without a torch form."""
    import onnxruntime
    import torch

    from pipeline.operators.to_torch import to_torch

    try:
        weights = read_weights(source, network)
        module = to_torch(network, weights).eval()
    except UnsupportedOperator:
        return None, None
    except ModelError as e:
        if e.reason == "no_weights":
            return None, None
        raise
    shape = infer_layers(network)[0].outputs[0].shape
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        _content(source), options, providers=["CPUExecutionProvider"]
    )
    expected = session.run(None, {session.get_inputs()[0].name: x})[0]
    with torch.inference_mode():
        found = module(torch.from_numpy(x))
    found = (found[0] if isinstance(found, tuple) else found).numpy()
    difference = float(np.abs(found - expected).max())
    return difference, difference / max(float(np.abs(expected).max()), 1e-30)


def _content(source: Source) -> Any:
    if not isinstance(source, str | PathLike):
        source.seek(0)
        return source.read()
    text = str(source)
    if "://" not in text:
        return text
    import fsspec

    with fsspec.open(text, "rb") as file:
        return file.read(LARGEST_FILE)
