"""Every rule: what it makes of a graph, and that both compute the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from spellings import Arrays, Spelling, operators_of, run

from pipeline.design import design
from pipeline.design.design import RULES, design_of
from pipeline.design.rewriter import Rewriter, Rule
from pipeline.operators.read_onnx import read_skeleton_network
from pipeline.operators.shapes import infer_layers
from pipeline.operators.write_onnx import to_skeleton

STATISTICS = dict.fromkeys(("scale", "shift", "mean", "var"), (4,))
EPSILON = 1e-5


def number(name: str, value: float) -> str:
    return f"{name} = Constant<value_float = {value!r}>() "


def numbers(name: str, *values: int) -> str:
    return f"{name} = Constant<value_ints = {list(values)}>() "


def fold_conv(arrays: Arrays) -> Arrays:
    """Conv and BatchNormalization -> the weight and bias of the Conv that is both."""
    factor = arrays["scale"] / np.sqrt(arrays["var"] + EPSILON)
    weight = arrays["w"] * factor.reshape(-1, 1, 1, 1)
    bias = (arrays.get("b", 0) - arrays["mean"]) * factor + arrays["shift"]
    return {"weight": weight, "bias": bias}


def fold_transposed(arrays: Arrays) -> Arrays:
    """The same where the weight has its output channels second."""
    folded = fold_conv(arrays)
    factor = arrays["scale"] / np.sqrt(arrays["var"] + EPSILON)
    return {"weight": arrays["w"] * factor.reshape(1, -1, 1, 1), "bias": folded["bias"]}


def fold_rows(arrays: Arrays) -> Arrays:
    """The same of a Gemm whose weight has its output features second."""
    factor = arrays["scale"] / np.sqrt(arrays["var"] + EPSILON)
    bias = (arrays["b"] - arrays["mean"]) * factor + arrays["shift"]
    return {"weight": (arrays["w"] * factor).T, "bias": bias}


def as_statistics(arrays: Arrays) -> Arrays:
    """BatchNormalization by another epsilon; its weights by their torch names."""
    return {"weight": arrays["scale"], "bias": arrays["shift"], "running_mean": arrays["mean"],
            "running_var": arrays["var"] + 1e-3 - EPSILON}  # fmt: skip


def renamed(**names: str) -> object:
    """Weights as they are, under other names: ``-name`` negated, ``/name`` inverted,
    ``name.T`` transposed."""

    def value(arrays: Arrays, name: str) -> np.ndarray:
        array = arrays[name.strip("-/").removesuffix(".T")]
        array = array.T if name.endswith(".T") else array
        return -array if name[0] == "-" else 1 / array if name[0] == "/" else array

    return lambda arrays: {new: value(arrays, old) for new, old in names.items()}


CONV = {"w": (4, 4, 3, 3)}
SPELLINGS = {
    "Dropout": Spelling("a = Dropout(x) y = Relu(a)", "Relu"),
    "Cast to the type that is there": Spelling("a = Cast<to = 1>(x) y = Relu(a)", "Relu"),
    "a pool of one place": Spelling(
        "a = AveragePool<kernel_shape = [1, 1]>(x) y = Relu(a)", "Relu"
    ),
    "Slice of everything": Spelling(
        numbers("s", 0) + numbers("e", 6) + numbers("d", 2) + "a = Slice(x, s, e, d) "
        "y = Relu(a)", "Relu",
    ),
    "Slice backwards is no Slice of everything": Spelling(
        numbers("s", -1) + numbers("e", -7) + numbers("d", 2) + numbers("t", -1)
        + "a = Slice(x, s, e, d, t) y = Relu(a)", "Slice Relu",
    ),
    "Concat of one": Spelling("a = Concat<axis = 1>(x) y = Relu(a)", "Relu"),
    "Flatten": Spelling("y = Flatten(x)", "Reshape"),
    "Squeeze": Spelling(numbers("a", 2, 3) + "y = Squeeze(x, a)", "Reshape", (1, 4, 1, 1)),
    "Unsqueeze": Spelling(numbers("a", 2) + "y = Unsqueeze(x, a)", "Reshape"),
    "Reshape of Reshape": Spelling(
        numbers("s", -1, 2, 72) + "a = Reshape(x, s) y = Flatten(a)", "Reshape"
    ),
    "Reshape there and back": Spelling(
        numbers("s", 0, 2, 2, 6, 6) + numbers("t", 0, -1, 6, 6)
        + "a = Reshape(x, s) b = Reshape(a, t) y = Relu(b)", "Relu",
    ),
    "Transpose of Transpose": Spelling(
        "a = Transpose<perm = [0, 2, 3, 1]>(x) y = Transpose<perm = [0, 2, 1, 3]>(a)",
        "Transpose",
    ),
    "Transpose there and back": Spelling(
        "a = Transpose<perm = [0, 2, 3, 1]>(x) b = Transpose<perm = [0, 3, 1, 2]>(a) "
        "y = Relu(b)", "Relu",
    ),
    "ceil_mode without effect": Spelling(
        "y = MaxPool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(x)", "MaxPool"
    ),
    "ceil_mode with effect": Spelling(
        "y = MaxPool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>(x)", "MaxPool"
    ),
    "Pad and Conv": Spelling(
        numbers("p", 0, 0, 1, 0, 0, 0, 2, 1)
        + "a = Pad(x, p) y = Conv<pads = [0, 1, 0, 1]>(a, w)",
        "Conv", weights=CONV, fold=renamed(weight="w"),
    ),
    "Pad by another number and Conv": Spelling(
        numbers("p", 0, 0, 1, 0, 0, 0, 2, 1) + number("c", 1.0)
        + "a = Pad(x, p, c) y = Conv(a, w)", "Pad Conv",
        weights=CONV, fold=renamed(weight="w"),
    ),
    "Pad of -inf and MaxPool": Spelling(
        numbers("p", 0, 0, 0, 0, 0, 0, 1, 1) + number("c", float("-inf"))
        + "a = Pad(x, p, c) y = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(a)",
        "MaxPool",
    ),
    "Pad of 0 and MaxPool": Spelling(
        numbers("p", 0, 0, 0, 0, 0, 0, 1, 1)
        + "a = Pad(x, p) y = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(a)",
        "Pad MaxPool",
    ),
    "Pad of 0 after Relu, and MaxPool": Spelling(
        numbers("p", 0, 0, 0, 0, 0, 0, 1, 1) + "r = Relu(x) a = Pad(r, p) "
        "y = MaxPool<kernel_shape = [3, 3], strides = [2, 2]>(a)", "Relu MaxPool",
    ),
    "Pad and AveragePool": Spelling(
        numbers("p", 0, 0, 1, 1, 0, 0, 1, 1)
        + "a = Pad(x, p) y = AveragePool<kernel_shape = [3, 3]>(a)", "AveragePool",
    ),
    "mean over the map": Spelling(
        numbers("d", 2, 3) + "y = ReduceMean<keepdims = 0>(x, d)", "GlobalAveragePool Reshape"
    ),
    "mean over the map, its axes kept": Spelling(
        numbers("d", 2, 3) + "y = ReduceMean(x, d)", "GlobalAveragePool"
    ),
    "maximum over the map": Spelling(
        numbers("d", -1, -2) + "y = ReduceMax(x, d)", "GlobalMaxPool"
    ),
    "a window as large as the map": Spelling(
        "y = AveragePool<kernel_shape = [6, 6]>(x)", "GlobalAveragePool"
    ),
    "a window as large as half the map": Spelling(
        "y = AveragePool<kernel_shape = [6, 3]>(x)", "AveragePool"
    ),
    "a number at the left": Spelling(number("c", 0.5) + "y = Add(c, x)", "Add"),
    "numbers of the last axis at the left, with axes before it": Spelling(
        "c = Constant<value = float[1,1,6] {1,2,3,4,5,6}>() y = Mul(c, x)", "Mul"
    ),
    "a number with axes": Spelling(
        "c = Constant<value = float[1,1] {3}>() y = Mul(c, x)", "Mul"
    ),
    "a number that adds axes": Spelling(
        "c = Constant<value = float[1,1,1] {3}>() y = Mul(c, x)", "Mul", (1, 4)
    ),
    "a weight at the left": Spelling(
        "y = Mul(c, x)", "Mul", weights={"c": (1, 4, 1, 1)}, fold=lambda a: {"B": a["c"][0]}
    ),
    "a number subtracted": Spelling(number("c", 0.5) + "y = Sub(x, c)", "Add"),
    "a weight subtracted": Spelling(
        "y = Sub(x, c)", "Add", weights={"c": (4, 1, 1)}, fold=renamed(B="-c")
    ),
    "a divisor": Spelling(number("c", 6.0) + "y = Div(x, c)", "Mul"),
    "a weight as divisor": Spelling(
        "y = Div(x, c)", "Mul", weights={"c": (4, 1, 1)}, fold=renamed(B="/c")
    ),
    "a dividend": Spelling(number("c", 6.0) + "y = Div(c, x)", "Div"),
    "Neg": Spelling("y = Neg(x)", "Mul"),
    "numbers that follow one another": Spelling(
        number("a", 0.5) + number("b", 3.0) + "p = Mul(x, a) q = Mul(b, p) y = Div(q, b)",
        "Mul",
    ),
    "a number that others read too": Spelling(
        number("a", 0.5) + "p = Mul(x, a) q = Mul(p, a) y = Sub(q, p)", "Mul Mul Sub"
    ),
    "nothing added": Spelling(number("a", 0.0) + "p = Add(x, a) y = Relu(p)", "Relu"),
    "x * x": Spelling("y = Mul(x, x)", "Pow"),
    "a whole exponent": Spelling("c = Constant<value_int = 2>() y = Pow(x, c)", "Pow"),
    "a root": Spelling(number("c", 0.5) + "y = Pow(x, c)", "Sqrt", positive=True),
    "Sum": Spelling("a = Relu(x) b = Tanh(x) y = Sum(x, a, b)", "Relu Add Tanh Add"),
    "Clip from 0": Spelling(number("l", 0.0) + "y = Clip(x, l)", "Relu"),
    "maximum with 0": Spelling(number("l", 0.0) + "y = Max(l, x)", "Relu"),
    "Clip from 0 to 6": Spelling(
        number("l", 0.0) + number("h", 6.0) + "y = Clip(x, l, h)", "Clip"
    ),
    "HardSigmoid in parts": Spelling(
        number("l", 0.0) + number("h", 6.0) + number("t", 3.0)
        + "a = Add(t, x) b = Clip(a, l, h) y = Div(b, h)", "HardSigmoid",
    ),
    "HardSwish, half of it in parts": Spelling(
        "a = HardSigmoid<alpha = 0.16666667, beta = 0.5>(x) y = Mul(a, x)", "HardSwish"
    ),
    "HardSwish in parts": Spelling(
        number("l", 0.0) + number("h", 6.0) + number("t", 3.0)
        + "a = Add(x, t) b = Clip(a, l, h) c = Mul(x, b) y = Div(c, h)", "HardSwish",
    ),
    "another gate": Spelling("a = HardSigmoid(x) y = Mul(a, x)", "HardSigmoid Mul"),
    "Mish in parts": Spelling("a = Softplus(x) b = Tanh(a) y = Mul(x, b)", "Mish"),
    "Gelu in parts": Spelling(
        number("r", 1.4142135) + number("o", 1.0) + number("h", 0.5)
        + "a = Div(x, r) b = Erf(a) c = Add(b, o) d = Mul(x, c) y = Mul(d, h)", "Gelu",
    ),
    "Gelu in other parts": Spelling(
        number("r", 0.70710677) + number("o", 1.0) + number("h", 0.5)
        + "a = Mul(x, r) b = Erf(a) c = Add(o, b) d = Mul(h, x) y = Mul(d, c)", "Gelu",
    ),
    "Gelu by tanh": Spelling(
        number("k", 0.044715) + number("s", 0.7978846) + number("o", 1.0) + number("h", 0.5)
        + "c = Mul(x, x) d = Mul(c, x) e = Mul(k, d) f = Add(x, e) g = Mul(s, f) t = Tanh(g) "
        "u = Add(t, o) v = Mul(x, h) y = Mul(v, u)", "Gelu",
    ),
    "LayerNormalization in parts": Spelling(
        numbers("d", -1) + number("e", 1e-5) + number("t", 2.0)
        + "m = ReduceMean(x, d) c = Sub(x, m) s = Pow(c, t) v = ReduceMean(s, d) "
        "f = Add(v, e) r = Sqrt(f) q = Div(c, r) z = Mul(q, w) y = Add(z, b)",
        "LayerNormalization", weights={"w": (6,), "b": (6,)},
        fold=renamed(weight="w", bias="b"),
    ),
    "LayerNormalization of a map, without a shift, in parts": Spelling(
        numbers("d", 2, 3) + number("e", 1e-5)
        + "m = ReduceMean(x, d) c = Sub(x, m) s = Mul(c, c) v = ReduceMean(s, d) "
        "f = Add(v, e) r = Sqrt(f) q = Div(c, r) y = Mul(w, q)",
        "LayerNormalization", weights={"w": (6, 6)}, fold=renamed(weight="w"),
    ),
    "Gemm, its weight the other way": Spelling(
        "y = Gemm<alpha = 0.5, beta = 2.0>(x, w, b)", "Gemm", (1, 4),
        {"w": (4, 5), "b": (5,)}, lambda a: {"weight": a["w"].T / 2, "bias": a["b"] * 2},
    ),
    "MatMul and Add": Spelling(
        "a = MatMul(x, w) y = Add(b, a)", "Gemm", (1, 4), {"w": (4, 5), "b": (5,)},
        renamed(weight="w.T", bias="b"),
    ),
    "MatMul and Add of three axes": Spelling(
        "a = MatMul(x, w) y = Add(b, a)", "MatMul Add", (1, 3, 4), {"w": (4, 5), "b": (5,)},
        lambda a: {"B": a["w"]},
    ),
    "Conv and Add": Spelling(
        "a = Conv(x, w) y = Add(a, b)", "Conv", weights=CONV | {"b": (4, 1, 1)},
        fold=lambda a: {"weight": a["w"], "bias": a["b"].ravel()},
    ),
    "Conv and BatchNormalization": Spelling(
        "a = Conv(x, w, b) y = BatchNormalization(a, scale, shift, mean, var)", "Conv",
        weights=CONV | {"b": (4,)} | STATISTICS, fold=fold_conv,
    ),
    "ConvTranspose and BatchNormalization": Spelling(
        "a = ConvTranspose<strides = [2, 2]>(x, w) "
        "y = BatchNormalization(a, scale, shift, mean, var)", "ConvTranspose",
        weights=CONV | STATISTICS, fold=fold_transposed,
    ),
    "Gemm and BatchNormalization": Spelling(
        "a = Gemm(x, w, b) y = BatchNormalization(a, scale, shift, mean, var)", "Gemm", (1, 4),
        {"w": (4, 4), "b": (4,)} | STATISTICS, fold_rows,
    ),
    "BatchNormalization that follows no layer": Spelling(
        "a = Relu(x) y = BatchNormalization<epsilon = 0.001>(a, scale, shift, mean, var)",
        "Relu BatchNormalization", weights=STATISTICS, fold=as_statistics,
    ),
    "Conv of the whole map, then Flatten": Spelling(
        "a = Conv(x, w, b) c = Relu(a) y = Flatten(c)", "Reshape Gemm Relu",
        weights={"w": (5, 4, 6, 6), "b": (5,)},
        fold=lambda a: {"weight": a["w"].reshape(5, -1), "bias": a["b"]},
    ),
    "Conv of half the map, then Flatten": Spelling(
        "a = Conv<strides = [1, 4]>(x, w) y = Flatten(a)", "Conv Reshape",
        weights={"w": (5, 4, 6, 3)}, fold=renamed(weight="w"),
    ),
    "a gate of rows": Spelling(
        numbers("d", 2, 3) + "a = ReduceMean<keepdims = 0>(x, d) b = Gemm<transB = 1>(a, w) "
        "c = Sigmoid(b) e = Unsqueeze(c, d) y = Mul(x, e)",
        "GlobalAveragePool Conv Sigmoid Mul", weights={"w": (4, 4)},
        fold=lambda a: {"weight": a["w"].reshape(4, 4, 1, 1)},
    ),
    "Concat of Concat": Spelling(
        "a = Relu(x) b = Tanh(x) c = Concat<axis = 1>(a, b) y = Concat<axis = 1>(x, c)",
        "Relu Tanh Concat",
    ),
    "Concat of Concat by another axis": Spelling(
        "a = Relu(x) b = Concat<axis = 2>(x, a) y = Concat<axis = 1>(b, b)",
        "Relu Concat Concat",
    ),
    "Slices of all channels": Spelling(
        numbers("o", 0) + numbers("m", 1) + numbers("n", 4) + numbers("d", 1)
        + "a = Slice(x, m, n, d) b = Slice(x, o, m, d) c = Tanh(b) y = Add(a, c)",
        "Split Tanh Add",
    ),
    "Slices that leave a gap": Spelling(
        numbers("o", 0) + numbers("m", 1) + numbers("l", 3) + numbers("n", 4) + numbers("d", 1)
        + "a = Slice(x, l, n, d) b = Slice(x, o, m, d) y = Sub(a, b)", "Slice Slice Sub",
    ),
    "Split of which one part is read": Spelling(
        numbers("s", 1, 2, 1) + "a, b, c = Split<axis = 1>(x, s) y = Relu(b)", "Slice Relu"
    ),
    "Gather of everything": Spelling(
        numbers("s", -1) + numbers("i", *range(144)) + "a = Reshape(x, s) b = Gather(a, i) "
        + numbers("t", 1, 12, 12) + "y = Reshape(b, t)", "Reshape",
    ),
    "the order of operands": Spelling(
        "a = Relu(x) b = Tanh(a) y = Add(a, b)", "Relu Tanh Add"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SPELLINGS)
def test_the_inference_form(case: str) -> None:
    spelling = SPELLINGS[case]
    assert operators_of(design_of(spelling.network())) == spelling.becomes


@pytest.mark.parametrize("case", [c for c in SPELLINGS if c != "MatMul and Add of three axes"])
def test_both_forms_compute_the_same_numbers(case: str) -> None:
    spelling = SPELLINGS[case]
    x = spelling.input()
    original, folded = run(spelling.model(), x), run(spelling.folded(), x)
    assert original.shape == folded.shape
    np.testing.assert_allclose(folded, original, rtol=1e-5, atol=2e-6 * np.abs(original).max())


@pytest.mark.parametrize("case", SPELLINGS)
def test_the_inference_form_is_a_network_like_any_other(case: str) -> None:
    network = SPELLINGS[case].network()
    found = design_of(network)
    assert design_of(found) == found
    assert infer_layers(found)[-1].outputs == infer_layers(network)[-1].outputs
    assert read_skeleton_network(to_skeleton(found)) == found
    assert read_skeleton_network(SPELLINGS[case].model()).design == found.fingerprint


def test_every_rule_has_changed_something(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = set()

    def watched(rule: Rule) -> Rule:
        def rewrite(rewriter: Rewriter, index: int) -> bool:
            done = rule.rewrite(rewriter, index)
            changed.update({rule.name} if done else ())
            return done

        return Rule(rule.name, rule.operators, rewrite)

    monkeypatch.setattr(design, "RULES", tuple(watched(rule) for rule in RULES))
    for spelling in SPELLINGS.values():
        design_of(spelling.network())
    assert changed == {rule.name for rule in RULES}


def test_a_layer_that_others_read_keeps_its_batch_normalization() -> None:
    body = "a = Conv(x, w) b = BatchNormalization(a, scale, shift, mean, var) y = Add(a, b)"
    spelling = Spelling(body, "", weights={"w": (4, 4, 3, 3)} | STATISTICS)
    assert "BatchNormalization" in operators_of(design_of(spelling.network()))


def test_a_dense_block_is_one_whether_it_lists_all_before_or_the_last_list() -> None:
    listed = (
        "a = Relu(x) b = Concat<axis = 1>(x, a) c = Tanh(b) d = Concat<axis = 1>(x, a, c) "
        "e = Relu(d) y = Concat<axis = 1>(x, a, c, e)"
    )
    nested = listed.replace("(x, a, c)", "(b, c)").replace("(x, a, c, e)", "(d, e)")
    one, other = (Spelling(body, "").network() for body in (listed, nested))
    assert one != other
    assert design_of(one) == design_of(other)
    assert [len(v.operands) for v in design_of(one).vertices if v.operator == "Concat"] == [
        2
    ] * 3


def test_operands_of_a_sum_may_change_places_and_those_of_a_difference_not() -> None:
    def fingerprints(operator: str) -> list[str]:
        bodies = (f"a = Relu(x) b = Tanh(x) y = {operator}({o})" for o in ("a, b", "b, a"))
        return [Spelling(body, "").network().design for body in bodies]

    one, other = fingerprints("Add")
    assert one == other
    one, other = fingerprints("Sub")
    assert one != other
