"""Table 1 and Figure 1: everything that is measured of a codec of the ENAS set.

The protocol is D-VAE's (arxiv.org/abs/1904.11088, section 4 and its code), so that the figures
can be held against the published ones; where this project measures more, the key says so.
"""

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.compress import cells as enas
from pipeline.compress.cells import Cells, Graphs
from pipeline.compress.enas6 import CellModel, bits, machine
from pipeline.decode.cell_codec import CellCodec
from pipeline.evaluate.enas6_prediction import EPOCHS, INDUCING, predict_accuracy

POINTS, DECODES, SEED = 1000, 10, 0


def measure_accuracy(model: CellModel, test: Cells, seed: int = SEED) -> dict[str, float]:
    """Shares of the test networks that come back: deterministically, and by D-VAE's protocol
    (ten stochastic decodes of each mean vector)."""
    z = model.encode(test)
    generator = torch.Generator().manual_seed(seed)
    sampled = [came_back(model.decode(z, generator), test) for _ in range(DECODES)]
    return {
        "accuracy_strict": _share(came_back(model.decode(z), test)),
        "accuracy_dvae_protocol": _share(torch.cat(sampled)),
    }


def came_back(made: Graphs, cells: Cells) -> Tensor:
    """(n,) bool: the decoded graph is the network, vertex by vertex, edge by edge."""
    want, v = enas.to_graphs(cells), enas.VERTICES
    present = made.types[:, :v] != enas.ABSENT
    inside = made.edges[:, :v, :v] & present[:, :, None] & present[:, None, :]
    good = (made.types[:, :v] == want.types).all(1) & (inside == want.edges).all((1, 2))
    return good & (made.types[:, v:] == enas.ABSENT).all(1)


def measure_prior(model: CellModel, train: Cells, seed: int = SEED) -> dict[str, float | None]:
    """Validity, uniqueness and novelty of what is decoded from 1,000 points of N(0, I), scaled
    to the mean and deviation of the training vectors, ten stochastic decodes each.

    ``validity_repaired``: the share that is valid after mending.
    """
    generator = torch.Generator().manual_seed(seed)
    vectors = model.encode(train)
    points = torch.randn(POINTS, vectors.shape[1], generator=generator)
    points = points * vectors.std(0) + vectors.mean(0)
    made = model.decode(points.repeat_interleave(DECODES, 0), generator)
    valid = enas.is_valid(made)
    found = enas.numbers(enas.to_cells(Graphs(made.types[valid], made.edges[valid])))
    count = max(len(found), 1)
    return {
        "validity": _share(enas.is_valid(made, exact_size=False)),
        "validity_eight_vertices": _share(valid),
        "validity_repaired": _share(enas.is_valid(enas.mend(made))),
        "uniqueness": len(torch.unique(found)) / count,
        "novelty": 1 - int(torch.isin(found, enas.numbers(train)).sum()) / count,
    }


def measure_speed(model: CellModel, cells: Cells, batch: int = 256) -> dict[str, float]:
    """Networks a second, encoded and decoded in batches, one pass over ``cells``."""
    parts = [cells[i : i + batch] for i in range(0, len(cells), batch)]
    model.encode(parts[0])
    began = time.perf_counter()
    vectors = [model.encode(part) for part in parts]
    middle = time.perf_counter()
    for z in vectors:
        model.decode(z)
    end = time.perf_counter()
    return {
        "encode_graphs_per_second": round(len(cells) / (middle - began), 1),
        "decode_graphs_per_second": round(len(cells) / (end - middle), 1),
    }


def measure_prediction(
    model: CellModel, train: enas.Labelled, test: enas.Labelled, epochs: int = EPOCHS
) -> dict[str, Any]:
    """:func:`measure_vectors` of a codec's."""
    return measure_vectors(model.encode(train[0]), model.encode(test[0]), train, test, epochs)


def measure_vectors(
    train_vectors: Tensor,
    test_vectors: Tensor,
    train: enas.Labelled,
    test: enas.Labelled,
    epochs: int = EPOCHS,
) -> dict[str, Any]:
    """Error of the accuracy predicted from vectors (n, d): mean and deviation over seeds 1 to
    10."""
    vectors = (train_vectors, train[1]), (test_vectors, test[1])
    found = predict_accuracy(*vectors, epochs=epochs)
    rmse, r = torch.tensor(found.rmse), torch.tensor(found.pearson_r)
    return {
        "rmse": {"mean": float(rmse.mean()), "std": float(rmse.std())},
        "pearson_r": {"mean": float(r.mean()), "std": float(r.std())},
        "prediction": {"inducing": INDUCING, "epochs": epochs, "seeds": len(rmse)},
    }


def measure_latent(model: CellModel, test: Cells) -> dict[str, Any]:
    """Size of the vectors: numbers a graph (by group) and a vertex, bits a graph.

    Bits are the KL divergence of the test networks' posteriors from the prior. A number
    without a posterior counts 32 bits, as it is stored. D-VAE's training takes a hundredth of
    its posterior's deviation: there the divergence is no length of a code, and bits are None.
    """
    widths, nats = model.widths, model.divergence(test)
    stored = sum(d for group, d in widths.items() if group == "quality" or nats == 0)
    dimensions = sum(widths.values())
    return {
        "dimensions_per_graph": dimensions,
        "groups": widths,
        "dimensions_per_vertex": dimensions / enas.VERTICES,
        "divergence_nats": nats,
        "bits_per_graph": bits(nats) + 32 * stored if model.noise == 1 else None,
        "bits_of_the_space": bits(enas.LAYERS * torch.tensor(6.0).log().item()) + enas.LINKS,
    }


def evaluate_enas6(
    codec: CellCodec,
    data_path: Path | str,
    *,
    epochs: int = EPOCHS,
) -> dict[str, Any]:
    """Every metric of a codec -> what stands in results/enas6.

    ``epochs``: of the sparse GP.
    Raises DataError where the ENAS set is missing or damaged.
    """
    began = time.perf_counter()
    model, card = codec.model, codec.card
    train, test = enas.split(*enas.read_cells(data_path))
    result: dict[str, Any] = {**measure_accuracy(model, test[0])}
    result |= measure_prior(model, train[0])
    result |= measure_prediction(model, train, test, epochs)
    result |= {"latent": measure_latent(model, test[0])} | measure_speed(model, test[0])
    kept = (
        "train_graphs_per_second",
        "trained_on",
        "uses_accuracies",
        "training",
        "parameters",
    )
    result |= {key: card.get(key) for key in kept}
    return {
        "codec": codec.name,
        "kind": card["kind"],
        **result,
        "curve": card.get("curve", []),
        "seed": SEED,
        "versions": card["versions"],
        "training_machine": card.get("machine"),
        "training_seconds": card.get("training_seconds"),
        "machine": machine(),
        "wall_seconds": round(time.perf_counter() - began, 1),
    }


def _share(found: Tensor) -> float:
    return found.double().mean().item()
