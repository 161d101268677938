"""BatchNormalization is folded into the layer before it, or says nothing of training.

Reason: at inference it multiplies each channel by a number and adds one; a Conv that it alone
reads can do both (https://arxiv.org/abs/1712.05877, section 3.2). Exporters fold it in
evaluation mode and keep it in training mode.
Requires: a Conv, ConvTranspose or Gemm that nothing else reads, with parameters of its own.
Ensures: no BatchNormalization after such a layer, which has a bias then; of the others,
epsilon and momentum, which its numbers could take up, are ONNX's defaults.
"""

from __future__ import annotations

from pipeline.design.linear import has_own_bias, with_bias
from pipeline.design.rewriter import Rewriter, Rule, vertex_of
from pipeline.operators.operands import PARAMETER
from pipeline.operators.schema import default_attributes

NORMALIZATION = "BatchNormalization"
TRAINING = ("training_mode",)
FREE = {"scale", "B", *(n + PARAMETER for n in ("scale", "B", "input_mean", "input_var"))}


def fold(rewriter: Rewriter, index: int) -> bool:
    """``batch_normalization(conv(x))`` -> ``conv(x)`` with a bias."""
    vertex = rewriter.vertices[index]
    source = vertex.operands[0]
    layer = rewriter.only(source.source)
    if layer is None or not has_own_bias(layer) or len(vertex.operands) != 1:
        return False
    rewriter.replace(source.source, with_bias(layer))
    rewriter.bypass(index, source)
    return True


def forget_training(rewriter: Rewriter, index: int) -> bool:
    """Epsilon, momentum, and a scale and shift that are not trained -> the defaults."""
    vertex = rewriter.vertices[index]
    given = {name for name, _ in vertex.attributes}
    known = dict(default_attributes(NORMALIZATION))
    if len(vertex.operands) != 1 or not given <= FREE | set(known):
        return False
    values = {name: value for name, value in known.items() if name not in TRAINING}
    plain = vertex_of(NORMALIZATION, values, vertex.operands[0])
    if plain == vertex:
        return False
    rewriter.replace(index, plain)
    return True


RULES = (
    Rule("folded BatchNormalization", (NORMALIZATION,), fold),
    Rule("BatchNormalization at inference", (NORMALIZATION,), forget_training),
)
