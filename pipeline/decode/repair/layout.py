"""The rules on axes, targets and bounds: Reshape, Transpose, Slice, Split, Pad, Resize, ..."""

from __future__ import annotations

from math import prod

from pipeline.decode.repair.agreement import resize
from pipeline.decode.repair.builder import Call, Change, Values, ints, whole, with_values
from pipeline.graph.network import Shape

MAX_SCALE, MAX_SIZE, MAX_PAD = 8.0, 1024, 64


def fit_axis(call: Call) -> Change | None:
    """Rule: an axis is one of the tensor's, and not the batch's."""
    rank = len(call.shape)
    axis = whole(call.values.get("axis"), -rank, rank - 1)
    axis = axis % rank if axis is not None else rank - 1
    return with_values(call, f"the axis is none of {rank}", axis=axis or min(1, rank - 1))


def fit_axes(call: Call) -> Change | None:
    """Rule: axes are distinct, the tensor's own, and not the batch's."""
    rank, given = len(call.shape), ints(call.values.get("axes")) or ()
    if call.operator == "Unsqueeze":
        rank += len(set(given))
    axes = {a % rank for a in given if -rank <= a < rank} - {0}
    if call.operator == "Squeeze":
        axes = {a for a in axes if call.shape[a] == 1}
        axes = axes or {a for a, size in enumerate(call.shape) if a and size == 1}
        if not axes:
            return None
    elif call.operator != "Unsqueeze":
        axes = axes or set(range(2, rank)) or {rank - 1}
    return with_values(call, f"axes that are none of {rank}", axes=tuple(sorted(axes)))


def fit_target(call: Call) -> Change | None:
    """Rule: a Reshape's target holds what there is, and the batch stays. One of the named
    sizes becomes what the others leave; where none can, the last sizes are first set to those
    of the map; where even then none can, all but the first axis is joined."""
    target, shape = list(ints(call.values.get("shape")) or (0, -1))[:8], call.shape
    total, rank = prod(shape[1:]), len(target)
    body = [
        s if s != 0 else (shape[a] if a < len(shape) else 1)
        for a, s in enumerate(target[1:], start=1)
    ]
    reason = f"{total} elements do not fit {tuple(target)}"
    for kept in range(max(1, min(rank - 1, len(shape) - 1))):
        tried = [*body[: len(body) - kept], *shape[len(shape) - kept :]] if kept else body
        found = _with_rest(tried, total)
        if found is not None:
            return with_values(call, reason, shape=(0, *found), allowzero=None)
    if rank == len(shape) > 2:
        return None
    first = () if rank <= 2 else (shape[1], -1, *(1,) * (rank - 3))
    return with_values(call, reason, shape=(0, *(first or (-1,))), allowzero=None)


def _with_rest(sizes: list[int], total: int) -> list[int] | None:
    """The sizes with one of them, the one left open if there is one, set to -1."""
    for free in [i for i, s in enumerate(sizes) if s < 0] or range(len(sizes)):
        rest = [s for i, s in enumerate(sizes) if i != free]
        if all(s > 0 for s in rest) and total % prod(rest) == 0:
            return [*sizes[:free], -1, *sizes[free + 1 :]]
    return None


def fit_permutation(call: Call) -> Change | None:
    """Rule: a permutation names every axis once, the batch first."""
    rank, given = len(call.shape), ints(call.values.get("perm")) or ()
    kept = [p for p in dict.fromkeys(given) if 0 < p < rank]
    perm = (0, *kept, *(a for a in range(1, rank) if a not in kept))
    return with_values(call, f"no order of {rank} axes", perm=perm)


def fit_bounds(call: Call) -> Change | None:
    """Rule: a Slice leaves something of axes that exist; one that would not is left out."""
    columns = [ints(call.values.get(name)) or () for name in ("starts", "ends")]
    count = min(map(len, columns))
    axes = ints(call.values.get("axes")) or tuple(range(count))
    steps = ints(call.values.get("steps")) or (1,) * count
    rows: dict[int, tuple[int, int, int]] = {}
    for axis, start, end, step in zip(axes, *columns, steps, strict=False):
        if -len(call.shape) <= axis < len(call.shape) and step:
            axis %= len(call.shape)
            places = range(*slice(start, end, step).indices(call.shape[axis]))
            if axis and len(places):
                rows[axis] = (start, end, step)
    if not rows:
        return None
    starts, ends, kept = zip(*(rows[a] for a in sorted(rows)), strict=True)
    settled = {"axes": tuple(sorted(rows)), "starts": starts, "ends": ends, "steps": kept}
    return with_values(call, "bounds that leave nothing", **settled)


def fit_parts(call: Call) -> Change | None:
    """Rule: the parts of a Split add up to its axis: as many as before, as equal as can be."""
    axis = whole(call.values.get("axis"), 0, len(call.shape) - 1)
    size = call.shape[axis or 0]
    sizes = ints(call.values.get("split"))
    parts = len(sizes) if sizes else whole(call.values.get("num_outputs"), 1, 512) or 2
    if axis is None or size < parts:
        return None
    reason = f"its parts are not {size}"
    if size % parts == 0:
        return with_values(call, reason, num_outputs=parts, split=None)
    equal = tuple(size // parts + (i < size % parts) for i in range(parts))
    return with_values(call, reason, num_outputs=None, split=equal)


def fit_pads(call: Call) -> Change | None:
    """Rule: two pads for every axis, none for the batch, none that leaves nothing."""
    rank, given = len(call.shape), ints(call.values.get("pads")) or ()
    half = len(given) // 2
    begins, ends = _last(given[:half], rank), _last(given[half:], rank)
    pads = [
        tuple(_pad(p, size, axis, call.values) for axis, (p, size) in enumerate(column))
        for column in (
            zip(begins, call.shape, strict=True),
            zip(ends, call.shape, strict=True),
        )
    ]
    return with_values(call, f"pads of {rank} axes", pads=(*pads[0], *pads[1]), axes=None)


def fit_sizes(call: Call) -> Change | None:
    """Rule: a Resize is one that both ONNX Runtime and torch have: nearest, of the spatial
    axes, by factors or to sizes within reason."""
    rank = len(call.shape) - 2
    if not 1 <= rank <= 3:
        return None
    sizes, scales = ints(call.values.get("sizes")), call.values.get("scales")
    if sizes is None and isinstance(scales, tuple) and scales:
        factors = ([float(s) for s in scales] * rank)[-rank:]
        sizes = tuple(
            max(1, int(n * min(max(f, 1 / MAX_SCALE), MAX_SCALE)))
            for n, f in zip(call.shape[2:], factors, strict=True)
        )
    given = ((sizes or call.shape[2:]) * rank)[-rank:]
    _, attributes = resize(tuple(min(max(s, 1), MAX_SIZE) for s in given))
    gone = dict.fromkeys(
        {name for name, _ in call.vertex.attributes} - dict(attributes).keys()
    )
    return with_values(call, "no such Resize in torch", **gone, **dict(attributes))


def fit_block(call: Call) -> Change | None:
    """Rule: the block of DepthToSpace divides the channels, that of SpaceToDepth the map."""
    if len(call.shape) != 4:
        return None
    _, channels, height, width = call.shape
    limit = whole(call.values.get("blocksize"), 2, 2**10) or 2
    for block in range(min(limit, 64), 1, -1):
        if call.operator == "DepthToSpace" and channels % block**2 == 0:
            return with_values(call, "its block does not divide", blocksize=block)
        if call.operator == "SpaceToDepth" and height % block == width % block == 0:
            return with_values(call, "its block does not divide", blocksize=block)
    return None


def fit_indices(call: Call) -> Change | None:
    """Rule: the indices of a Gather are places of its axis."""
    axis = whole(call.values.get("axis"), 0, len(call.shape) - 1)
    value = call.values.get("indices")
    given = ints(value)
    if axis is None or given is None:
        return None
    inside = tuple(i % call.shape[axis] for i in given)
    new = inside if isinstance(value, tuple) else inside[0]
    return with_values(call, f"an index beyond {call.shape[axis]}", indices=new)


def odd_size(call: Call) -> Change | None:
    """Rule: the window of a local response normalisation is odd, so that it has a middle."""
    size = whole(call.values.get("size"), 1, 64) or 5
    return with_values(call, "an even window has no middle", size=size | 1)


def _last(values: Shape, count: int) -> Shape:
    return ((0,) * count + values)[-count:]


def _pad(pad: int, size: int, axis: int, values: Values) -> int:
    if axis == 0:
        return 0
    if values.get("mode", "constant") in ("reflect", "wrap"):
        return max(0, min(pad, size - 1))
    return max(min(pad, MAX_PAD), -(size // 4))
