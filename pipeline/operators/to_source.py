"""Network -> readable Python source of a torch module, which imports torch alone."""

from __future__ import annotations

import textwrap
from collections import Counter

from pipeline.errors import UnsupportedOperator
from pipeline.graph.network import Network
from pipeline.operators.sharing import shared_parameters
from pipeline.operators.source_blocks import Block, find_blocks
from pipeline.operators.source_classes import Scope
from pipeline.operators.source_statements import statements_of
from pipeline.operators.to_torch import TorchBuilder

HELPERS = {
    "Weight": '''
class Weight(nn.Module):
    """A parameter that stands in no layer."""

    def __init__(self, *shape, start=0.0):
        super().__init__()
        self.value = nn.Parameter(torch.full(shape, start))

    def forward(self):
        return self.value
''',
    "Matrix": '''
class Matrix(nn.Module):
    """A matrix that stands in no layer, drawn as a linear layer's."""

    def __init__(self, *shape):
        super().__init__()
        self.value = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(shape), a=5**0.5))

    def forward(self):
        return self.value
''',
    "Stored": '''
class Stored(nn.Module):
    """A tensor that is saved but not trained."""

    def __init__(self, *shape, dtype=torch.float32):
        super().__init__()
        self.register_buffer("value", torch.zeros(shape, dtype=dtype))

    def forward(self):
        return self.value
''',
}


def to_source(network: Network) -> str:
    """Python source with a class ``Network``, the module that :func:`to_torch` builds: the
    same parameters and buffers in the same order (under names of its own), the same numbers.

    Runs of layers that repeat are a class each, chains of layers an ``nn.Sequential``.
    Raises UnsupportedOperator naming an operator without a torch form, or for shared weights.
    """
    builder = TorchBuilder(network)
    if shared_parameters(builder.layers):
        detail = "source code of layers that share weights is not written"
        raise UnsupportedOperator("shared_weights", detail)
    statements, returned, is_tuple = statements_of(builder.build())
    statements, returned, blocks = find_blocks(statements, returned)
    scopes = [
        *(
            Scope(b.name, describe_block(b), b.parameters, b.body, (len(b.body) - 1,))
            for b in blocks
        ),
        Scope("Network", describe_network(network), (), statements, returned, is_tuple),
    ]
    classes = [scope.render() for scope in scopes]
    used = {name for name in HELPERS if any(f"= {name}(" in text for text in classes)}
    text = "\n\n".join(
        [*(HELPERS[name].strip("\n") + "\n" for name in sorted(used)), *classes]
    )
    imports = ["import torch"] if "torch." in text.replace("torch.nn", "") else []
    imports.append("from torch import nn")
    if "functional." in text:
        imports.append("from torch.nn import functional")
    return "\n".join(imports) + "\n\n\n" + text


def describe_block(block: Block) -> str:
    """Its layers and how often it is used, for its docstring."""
    layers = [d.callee.removeprefix("nn.") for s in block.body for d in s.declarations]
    kinds = Counter(layers)
    held = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in kinds.items())
    about = f"{held or 'Arithmetic'}: used {block.uses} times."
    return textwrap.shorten(about, 80, placeholder=" ...")


def describe_network(network: Network) -> str:
    """What it takes, for its docstring."""
    shape = network.vertices[0].get("shape")
    return f"Takes (batch, {str(shape)[1:-1].rstrip(',')}); nn2vec {network.fingerprint}."
