"""A torch module -> ONNX that keeps the architecture: nothing folded, nothing fused.

The exporter used is the TorchScript one (``dynamo=False``): it alone keeps BatchNormalization
apart from Conv. Weights become shape-only graph inputs named as in the ``state_dict``.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.onnx import TrainingMode

from pipeline.atomic import write_atomically
from pipeline.errors import ModelError
from pipeline.harvest.adaptive_pooling import support_enlarging_pools
from pipeline.harvest.candidate import Fetched
from pipeline.weightless.skeleton import DATA_INPUTS, read_skeleton

OPSET = 20  # below it Gelu, LayerNormalization and HardSwish are spelled as chains
OUT_OF_MEMORY = re.compile("not enough memory|can't allocate memory|bad_alloc")
SMALL = 4096  # elements; larger tensors are weights, whose values no skeleton keeps


def export_skeleton(module: nn.Module, example: torch.Tensor) -> bytes:
    """The ONNX bytes of ``module`` as it computes ``example``, without weights.

    Input ``"input"``, output ``"output"``; every parameter and buffer used is a graph input
    that has a shape and no value. ModelError ``export_failed`` or ``memory``.
    """
    _set_modes(module)
    support_enlarging_pools(OPSET)
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns of each Python branch it flattens
            torch.onnx.export(
                module,
                (example,),
                cast(Any, buffer),  # a file object is accepted, though not declared
                dynamo=False,
                training=TrainingMode.PRESERVE,
                export_params=False,
                keep_initializers_as_inputs=True,
                do_constant_folding=False,
                opset_version=OPSET,
                input_names=["input"],
                output_names=["output"],
            )
    except Exception as error:  # whatever a stranger's module raises is that module's fault
        raise refused(error) from error
    return _declare_data_input(buffer.getvalue())


def export_fetched(module: nn.Module, example: torch.Tensor) -> Fetched:
    """The same as a harvested file: the "file" is what the exporter wrote."""
    content = export_skeleton(module, example)
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    return Fetched(read_skeleton(io.BytesIO(content)), digest, len(content))


def export_with_weights(
    module: nn.Module, example: torch.Tensor, path: str | os.PathLike[str]
) -> None:
    """Write the same graph as a file with its weights, named as in the ``state_dict``.

    The weights are put back by name instead of by ``export_params=True``, which merges equal
    tensors and so adds Identity nodes that the architecture does not have.
    """
    model = onnx.ModelProto.FromString(export_skeleton(module, example))
    named: dict[str, torch.Tensor] = dict(module.named_parameters(remove_duplicate=False))
    named.update(module.named_buffers(remove_duplicate=False))
    for value in model.graph.input:
        if value.name != "input":
            array = named[value.name].detach().cpu().numpy()
            model.graph.initializer.append(numpy_helper.from_array(array, value.name))
    kept = [v for v in model.graph.input if v.name == "input" or is_scalar(v)]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    write_atomically(Path(path), model.SerializeToString(deterministic=True))


def is_scalar(value: onnx.ValueInfoProto) -> bool:
    """Of no axis: a parameter that is one is told from a constant by being an input."""
    return not value.type.tensor_type.shape.dim


@contextmanager
def uninitialised() -> Iterator[None]:
    """Within it, modules are built without filling their weights: most of the building time.

    Small tensors are still filled: some end up as constants of the graph, which must not hold
    whatever stood in memory. PyTorch's truncated normal would draw for ever from values that
    never change, so it is replaced whole.
    """

    def skip_large(original: Any) -> Any:
        def fill(tensor: torch.Tensor, *values: Any, **named: Any) -> torch.Tensor:
            return tensor if tensor.numel() > SMALL else original(tensor, *values, **named)

        return fill

    def skip(tensor: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        return tensor

    patched: list[tuple[Any, str, Any]] = [
        (torch.Tensor, name, skip_large(getattr(torch.Tensor, name)))
        for name in ("normal_", "uniform_", "erfinv_")
    ]
    patched.append((torch.nn.init, "_no_grad_trunc_normal_", skip))
    originals = [getattr(owner, name) for owner, name, _ in patched]
    torch.manual_seed(0)
    try:
        for owner, name, replacement in patched:
            setattr(owner, name, replacement)
        yield
    finally:
        for (owner, name, _), original in zip(patched, originals, strict=True):
            setattr(owner, name, original)


def refused(error: Exception) -> ModelError:
    """What an exception from building or exporting a model means for the harvest."""
    first_line = (str(error).strip() or repr(error)).splitlines()[0][:500]
    out_of_memory = isinstance(error, MemoryError) or OUT_OF_MEMORY.search(first_line)
    reason = "memory" if out_of_memory else "export_failed"
    return ModelError(reason, f"{type(error).__name__}: {first_line}")


def _set_modes(module: nn.Module) -> None:
    """Evaluation mode, but for Dropout: in evaluation the exporter would leave it out."""
    module.eval()
    for part in module.modules():
        if type(part) is nn.Dropout and part.p > 0:
            part.train()


def _declare_data_input(content: bytes) -> bytes:
    model = onnx.ModelProto.FromString(content)
    onnx.helper.set_model_props(model, {DATA_INPUTS: "input"})
    return model.SerializeToString(deterministic=True)
