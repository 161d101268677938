"""Whether a network runs: ONNX's checker, ONNX Runtime, and torch forward and backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import onnxruntime
import torch

from pipeline.decode.trial import first_line, images, why_not_in_torch, why_too_large
from pipeline.errors import ModelError
from pipeline.graph.network import Network
from pipeline.operators.shapes import Layer, infer_layers
from pipeline.operators.write_onnx import parameter_arrays, to_onnx


def runs(network: Network) -> str | None:
    """None if a network runs with random weights: ``onnx.checker`` with full shape inference
    passes, ONNX Runtime computes it, torch computes it in training mode at batch sizes 1 and 2
    and gives gradients, and all values are finite. Otherwise what failed, in a few words.
    """
    try:
        layers = infer_layers(network)
    except ModelError as e:
        return f"shapes: {e.detail}"
    reason = why_too_large(layers)
    if reason is not None:
        return reason
    weights = parameter_arrays(layers)
    return _runs_in_onnx(network, layers, weights) or why_not_in_torch(
        network, layers, weights
    )


def _runs_in_onnx(
    network: Network, layers: Sequence[Layer], weights: Mapping[str, np.ndarray]
) -> str | None:
    model = to_onnx(network, weights)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as e:
        return f"onnx.checker: {first_line(e)}"
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        outputs = session.run(None, {"v0": images(layers, 1).numpy()})
    except Exception as e:  # ONNX Runtime has a class of its own for every failure
        return f"ONNX Runtime: {first_line(e)}"
    if not all(np.isfinite(o).all() for o in outputs if o.dtype.kind == "f"):
        return "ONNX Runtime: values that are not finite"
    return None
