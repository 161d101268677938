"""One model through the journey and back, and a verdict on what that kept and lost."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
from onnx import ModelProto

from pipeline.decode.codec import Codec
from pipeline.decode.trial import first_line
from pipeline.errors import ModelError
from pipeline.evaluate.inspect import unsupported_operators
from pipeline.evaluate.runs import runs
from pipeline.graph.network import Network, Shape
from pipeline.operators.read_onnx import Source, read_onnx, read_weights
from pipeline.operators.write_onnx import to_onnx

LARGEST_FILE = 2**31  # bytes that ONNX Runtime takes from memory
TOLERANCE = 1e-3  # of max_rel_difference; float32 alone gives up to 1e-4 in deep networks


@dataclass(frozen=True)
class Numbers:
    """How far torch's outputs are from ONNX Runtime's on the file: the largest difference, and
    the same over the largest output; or why they were not compared, or cannot agree."""

    absolute: float | None = None
    relative: float | None = None
    not_compared: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class RoundTrip:
    """One line of ``nn2vec roundtrip --json``.

    ``exact``: the fingerprint is the same, from the vector alone where a codec is used;
    ``residual_bits`` is what it takes besides to be exact with certainty. The verdict is yes
    where it is exact, runs, and numbers that could be compared agree; ``why`` says why not,
    ``not_compared`` why there are no numbers.
    """

    model: str
    verdict: bool
    vertices: int
    edges: int
    unsupported: tuple[str, ...]
    exact: bool
    residual_bits: int | None
    exact_with_residual: bool | None
    runs: bool
    max_abs_difference: float | None
    max_rel_difference: float | None
    not_compared: str | None
    why: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it: what went well needs no explanation."""
        return {k: v for k, v in asdict(self).items() if v or k != "why"}


def round_trip(
    source: Source | None,
    name: str,
    codec: Codec | None = None,
    input_shape: Shape | None = None,
    network: Network | None = None,
    tolerance: float = TOLERANCE,
) -> RoundTrip:
    """ONNX -> graph -> ONNX and torch; with a codec, through its vector.

    ``network``: where it is at hand already; then ``source`` is its file, if it has one.
    Raises ModelError where the file is refused.
    """
    if network is None:
        assert source is not None
        network = read_onnx(source, input_shape)
    bits, with_residual = None, None
    if codec is None:
        rebuilt = read_onnx(io.BytesIO(to_onnx(network).SerializeToString()))
    else:
        code = codec.encode(network)
        rebuilt = codec.decode(code, residual=False)
        bits = code.bits
        with_residual = codec.decode(code) == network
    exact = rebuilt == network
    fails = runs(rebuilt)
    numbers = Numbers(not_compared="another network came back: the file's weights do not fit")
    if exact:
        numbers = compare_numbers(source, rebuilt)
    trip = RoundTrip(
        name,
        True,
        len(network),
        sum(1 for _ in network.edges),
        unsupported_operators(network),
        exact,
        bits,
        with_residual,
        fails is None,
        numbers.absolute,
        numbers.relative,
        numbers.not_compared or None,
    )
    why = tuple(_faults(trip, fails, numbers, tolerance))
    return replace(trip, verdict=not why, why=why)


def _faults(
    trip: RoundTrip, fails: str | None, numbers: Numbers, tolerance: float
) -> Sequence[str]:
    """What speaks against a yes, a sentence each."""
    faults = []
    if not trip.exact:
        alone = "" if trip.residual_bits is None else " from the vector alone"
        faults.append(f"another network came back{alone}")
    if trip.exact_with_residual is False:
        faults.append("another network came back from the vector and its residual")
    if fails:
        faults.append(f"does not run: {fails}")
    if numbers.wrong:
        faults.append(numbers.wrong)
    if numbers.relative is not None and numbers.relative > tolerance:
        faults.append(
            f"torch differs from ONNX Runtime by {numbers.relative:.3g} of the largest "
            f"output, more than {tolerance:g}"
        )
    return faults


def compare_numbers(source: Source | None, network: Network) -> Numbers:
    """torch on random input against ONNX Runtime on the file, over all outputs."""
    if source is None:
        return Numbers(not_compared="no file with weights belongs to it")
    unsupported = unsupported_operators(network)
    if unsupported:
        return Numbers(not_compared=f"no torch form of {', '.join(unsupported)}")
    import torch

    from pipeline.operators.to_torch import to_torch

    try:
        weights = read_weights(source, network)
        module = to_torch(network, weights).eval()
    except ModelError as e:
        return Numbers(not_compared=e.detail)
    try:
        x, expected = _run_file(source, network)
    except Exception as e:  # ONNX Runtime has a class of its own for every failure
        return Numbers(not_compared=f"ONNX Runtime fails on the file: {first_line(e)}")
    with torch.inference_mode():
        found = module(torch.from_numpy(x))
    outputs = [y.numpy() for y in (found if isinstance(found, tuple) else (found,))]
    return difference(outputs, expected)


def difference(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> Numbers:
    """The largest difference over all outputs, of torch and of ONNX Runtime."""
    shapes = [[y.shape for y in outputs] for outputs in (found, expected)]
    if shapes[0] != shapes[1]:
        return Numbers(wrong=f"torch gives {shapes[0]}, ONNX Runtime {shapes[1]}")
    if not all(np.isfinite(y).all() for y in expected):
        return Numbers(not_compared="ONNX Runtime gives values that are not finite")
    if not all(np.isfinite(y).all() for y in found):
        return Numbers(wrong="torch gives values that are not finite")
    pairs = [(a.astype(np.float64), b.astype(np.float64))
             for a, b in zip(found, expected, strict=True)]  # fmt: skip
    absolute = [float(np.abs(a - b).max()) for a, b in pairs]
    scales = [max(float(np.abs(b).max()), 1e-30) for _, b in pairs]
    relative = [a / scale for a, scale in zip(absolute, scales, strict=True)]
    return Numbers(max(absolute), max(relative))


def _run_file(source: Source, network: Network) -> tuple[np.ndarray, list[np.ndarray]]:
    """A random input, of the batch size that the file demands, and what the file gives."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        _content(source), options, providers=["CPUExecutionProvider"]
    )
    given = session.get_inputs()[0]
    batch = given.shape[0] if isinstance(given.shape[0], int) else 1
    shape = (batch, *network.vertices[0].get("shape"))  # type: ignore[misc]
    dtype = np.dtype(str(network.vertices[0].get("dtype", "float32")))
    random = np.random.default_rng(0)
    x = random.standard_normal(shape) if dtype.kind == "f" else random.integers(0, 2, shape)
    x = x.astype(dtype)
    return x, session.run(None, {given.name: x})


def _content(source: Source) -> Any:
    if isinstance(source, ModelProto):
        return source.SerializeToString()
    if not isinstance(source, str | PathLike):
        source.seek(0)
        return source.read()
    text = str(source)
    if "://" not in text:
        return text
    import fsspec

    with fsspec.open(text, "rb") as file:
        return file.read(LARGEST_FILE)
