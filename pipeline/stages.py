"""The stages as DVC, Airflow and the command line call them: read, call the pure core, write.

Paths are relative to the project's root, values come from params.yaml; the work itself is in
the folders of the journey.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from contextlib import chdir
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from pipeline.params import load_harvest, load_section, read_plain
from pipeline.places import ZOO, dataset_of, places


def harvest(
    root: Path, profile: str | None = None, shard: tuple[int, int] = (0, 1)
) -> dict[str, Any]:
    """Sources -> shelf. ``profile``: of params.yaml, the dataset's own unless named. Relative
    paths in the parameters start from the project's root, and stay relative in the records."""
    from pipeline.harvest.download import Downloads
    from pipeline.harvest.harvest import harvest as run
    from pipeline.harvest.labels import fetch_labels
    from pipeline.harvest.shelf import Shelf

    dataset = dataset_of(root)
    params = load_harvest(root, profile or dataset)
    with chdir(root):
        report = asdict(run(Shelf(places(Path(), dataset).shelf), params, shard))
    if shard[0] == 0:
        downloads = Downloads(places(root, dataset).shelf / "labels")
        report["unreachable"] |= fetch_labels(params.labels, downloads)
    return report


def normalise(root: Path) -> dict[str, Any]:
    """Shelf -> tables of networks."""
    from pipeline.harvest.shelf import Shelf
    from pipeline.tables.normalise import NormaliseParams
    from pipeline.tables.normalise import normalise as run
    from pipeline.tables.split import read_moved
    from pipeline.tables.write import write_parts

    params = load_section(root, NormaliseParams, "normalise")
    at, moved = places(root), read_moved(places(root, ZOO).folder)
    found = run(Shelf(at.shelf), params, at.cache, moved)
    if not found.facts["networks"]:
        raise DataError(f"{at.shelf}: holds no network; run: nn2vec harvest")
    return write_parts(at.normalised, chain([found.facts], found.graphs)).rows


def label(root: Path, data: Path | None = None) -> dict[str, Any]:
    """Measurements on the shelf -> the table of labels. ``data``: a folder with copies of
    files that the shelf lacks; they are put there."""
    from pipeline.harvest.download import Downloads
    from pipeline.harvest.labels import read_all_labels
    from pipeline.tables.labels import (
        LabelParams,
        count_labels,
        label_networks,
        read_measured,
    )
    from pipeline.tables.read import read_table
    from pipeline.tables.write import write_tables

    at, sources = places(root), load_section(root, LabelParams, "labels").sources
    downloads = Downloads(at.shelf / "labels", data, online=False)
    measurements, absent = read_all_labels(sources, downloads)
    tables = graph_tables(root)
    rows = label_networks(measurements, read_table(tables, "files"))
    known = set(read_table(tables, "networks").column("fingerprint").to_pylist())
    rows += [row for row in read_measured(at.latencies) if row["fingerprint"] in known]
    write_tables(at.labels, {"labels": rows})
    return count_labels(rows) | {"absent": absent}


def measure(root: Path, limit: int | None = None) -> dict[str, Any]:
    """Networks of the tables whose latency is not known -> files on the shelf, at most
    ``limit`` new ones; the table of labels takes them from there."""
    from itertools import islice

    from pipeline.evaluate.latency import measure_latencies
    from pipeline.progress import track
    from pipeline.tables.read import read_table
    from pipeline.tables.read_networks import read_networks

    tables, folder = graph_tables(root), places(root).latencies
    every = read_table(tables, "networks").column("fingerprint").to_pylist()
    missing = [f for f in every if not (folder / f"{f}.json").exists()]
    chosen = list(islice(missing, limit))
    networks = track(read_networks(tables, chosen), "measure", len(chosen))
    return measure_latencies(networks, folder) | {"missing": len(missing) - len(chosen)}


def split(root: Path) -> dict[str, Any]:
    """The zoo's networks, as normalised or registered -> its split, as tables in Git."""
    from pipeline.atomic import write_atomically
    from pipeline.tables.read import read_table
    from pipeline.tables.read_networks import read_networks
    from pipeline.tables.split import NEAR_RELATIVES, SPLITS, make_split

    tables, zoo = graph_tables(root, ZOO), places(root, ZOO).folder
    rows = read_table(tables, "networks").select(["fingerprint", "name"]).to_pylist()
    names = {row["fingerprint"]: row["name"] for row in rows}
    made = make_split(names, dict(read_networks(tables)))
    write_atomically(zoo / SPLITS, made.splits_csv())
    write_atomically(zoo / NEAR_RELATIVES, made.near_relatives_csv(names))
    return made.summary()


def train(
    root: Path, name: str, output: Path | None = None, data: Path | None = None
) -> dict[str, Any]:
    """Tables -> a codec of the zoo, or the ENAS set -> one of its codecs."""
    at = places(root)
    output = at.codecs / name if output is None else output
    checkpoints = at.cache / "training" / name
    if name in read_plain(root).get("enas6", {}):
        from pipeline.compress.enas6 import Enas6Params, train_enas6

        params = load_section(root, Enas6Params, "enas6", name)
        data = data or enas6_path(root)
        return train_enas6(name, params, data, output, checkpoints.parent)
    return _train_zoo(root, name, output, checkpoints)


def _train_zoo(root: Path, name: str, output: Path, checkpoints: Path) -> dict[str, Any]:
    import torch

    from pipeline.compress.zoo import ZooParams, save_zoo_codec, train_zoo

    torch.set_num_threads(1)  # products this small: more threads mostly wait for one another
    params = load_section(root, ZooParams, "codecs", name)
    networks, split, _ = read_zoo(root)
    names = [f for f in networks if split.part_of(f) == "train"]
    training = [networks[f] for f in names]
    held_out = [f for f in networks if split.part_of(f) == "test"]
    if not training or not held_out:
        raise DataError(f"split: {len(training)} training, {len(held_out)} held-out networks")
    codec = train_zoo(
        params,
        training,
        [split.groups[f] for f in names],
        [networks[f] for f in held_out],
        checkpoints,
        description=f"train {name}",
    )
    save_zoo_codec(output, name, codec, training)
    shutil.rmtree(checkpoints, ignore_errors=True)  # a finished training is not resumed
    return {"codec": name, **codec.trained.curve[-1]}


def embed(root: Path, name: str) -> dict[str, Any]:
    """Tables and a codec -> its embedding tables."""
    import torch

    from pipeline.decode.embed import embed as run
    from pipeline.decode.embed import widths
    from pipeline.progress import track
    from pipeline.tables.read import read_table
    from pipeline.tables.read_networks import read_networks
    from pipeline.tables.write import write_parts

    torch.set_num_threads(1)  # products this small: more threads mostly wait for one another
    codec = find_codec(root, name, "networks")
    tables = graph_tables(root)
    networks = (network for _, network in read_networks(tables))
    count = len(read_table(tables, "networks"))
    parts = run(codec, track(networks, f"embed {name}", count))
    return write_parts(places(root).embeddings / name, parts, widths(codec)).rows


def evaluate_zoo(
    root: Path, name: str, profile: str = "default", output: Path | None = None
) -> dict[str, Any]:
    """A codec -> its metrics on the held-out networks."""
    import torch

    from pipeline.evaluate.results import write_results
    from pipeline.evaluate.zoo import ZooEvaluation
    from pipeline.evaluate.zoo import evaluate_zoo as run

    torch.set_num_threads(1)
    networks, split, names = read_zoo(root)
    params = load_section(root, ZooEvaluation, "evaluate", profile)
    codec = find_codec(root, name, "networks")
    metrics = {"codec": name} | run(codec, networks, names, split, params)
    return write_results(output, metrics, {"evaluate": params})


def evaluate_labels(
    root: Path, codecs: tuple[str, ...], files: tuple[Path, ...], output: Path | None = None
) -> dict[str, Any]:
    """Vectors of the registered zoo's codecs, and of files -> how well they predict what real
    networks achieve."""
    from pipeline.evaluate.label_features import codec_features, file_features
    from pipeline.evaluate.labels import evaluate_labels as run
    from pipeline.evaluate.results import write_results
    from pipeline.tables.read import read_table, read_tables
    from pipeline.tables.read_networks import GRAPH_TABLES
    from pipeline.tables.split import read_split
    from pipeline.tables.upgrade import recompute_networks

    zoo, built = places(root, ZOO).folder, places(root, ZOO).labels
    tables = read_tables(zoo / "tables", ["networks", *GRAPH_TABLES, "graph_embeddings"])
    if tables["networks"].column("macs").null_count:
        tables["networks"] = recompute_networks(tables)
    tables["labels"] = read_table(built if built.exists() else zoo / "tables", "labels")
    names = (tables["networks"].column(c).to_pylist() for c in ("fingerprint", "name"))
    groups = read_split(zoo, dict(zip(*names, strict=True))).groups
    vectors = {name: codec_features(tables["graph_embeddings"], name) for name in codecs}
    vectors |= {path.stem: file_features(path) for path in files}
    start = time.perf_counter()
    found = run(tables, groups, vectors)
    found["seconds"] = round(time.perf_counter() - start, 1)
    return write_results(output, found, {})


def evaluate_enas6(
    root: Path, name: str, data: Path | None, output: Path | None
) -> dict[str, Any]:
    """A codec of the ENAS set -> the metrics of Table 1."""
    from pipeline.evaluate.enas6 import evaluate_enas6 as run
    from pipeline.evaluate.results import write_results

    codec = find_codec(root, name, "enas6")
    return write_results(output, run(codec, data or enas6_path(root)), {})


def evaluate_roundtrip(
    root: Path, network: str, profile: str, codecs: tuple[str, ...], output: Path
) -> dict[str, Any]:
    """Table 2 for one architecture: as it was, through the graph, through each codec."""
    from pipeline.evaluate.retrain_params import RetrainParams
    from pipeline.evaluate.table2 import WITHOUT_COMPRESSION, render_table2, run_table2
    from pipeline.evaluate.variants import make_variants

    params = load_section(root, RetrainParams, "retrain", profile, network)
    variants = make_variants(network, params, [find_codec(root, name) for name in codecs])
    original = variants[WITHOUT_COMPRESSION].fingerprint
    store = places(root).cache / "retrain" / profile
    results = run_table2(network, original, variants, params, output, store)
    return {row["network"]: row for row in render_table2(results)}


def validate(root: Path, output: Path | None = None) -> dict[str, Any]:
    """Every network in the tables: ONNX and back gives the same fingerprint; some are run."""
    from pipeline.evaluate.results import write_results
    from pipeline.evaluate.validate import ValidateParams
    from pipeline.evaluate.validate import validate as run

    params = load_section(root, ValidateParams, "validate")
    return write_results(output, run(built_networks(root), params), {"validate": params})


def report(
    root: Path, output: Path | None = None, dataset: str | None = None
) -> dict[str, Any]:
    """Everything that stands, and one dataset -> one page, in the build unless ``output`` is
    named."""
    from pipeline.report import write_report
    from pipeline.report.inputs import is_empty
    from pipeline.report.plots import write_plots

    if dataset is None and is_empty(root):
        raise DataError(f"{root.absolute()}: holds nothing to show; run: nn2vec harvest")
    output = output or places(root).build / "report.html"
    figures = write_plots(root, output.parent / "figures", dataset)
    return {"page": str(write_report(root, output, dataset)), "figures": len(figures)}


def register(root: Path, name: str | None = None, any_size: bool = False) -> dict[str, Any]:
    """Tables, embeddings and metrics of a dataset, the one that is built unless named -> its
    next version, if the gate lets them pass. ``any_size``: however many rows the last version
    has. Gives back as ``tag`` the command that tags the version once it is committed."""
    from pipeline.registry.card import About
    from pipeline.registry.register import register as run
    from pipeline.registry.tags import tag_command
    from pipeline.tables.quality import Bounds

    name = name or dataset_of(root)
    at, about = places(root, name), load_section(root, About, "datasets", name)
    sources = [
        at.normalised,
        *(p for p in (at.labels,) if p.is_dir()),
        *sorted(p for p in at.embeddings.glob("*") if p.is_dir()),
    ]
    default = read_plain(root)["default_codec"]
    bounds = Bounds(least=0, most=math.inf) if any_size else Bounds()
    manifest = run(at.folder, sources, about, read_plain(root), default, bounds)
    if at.metrics.exists():
        shutil.copytree(at.metrics, at.folder / at.metrics.name, dirs_exist_ok=True)
    tag = tag_command(name, manifest.version)
    return {"dataset": name, "version": manifest.version, "rows": manifest.rows, "tag": tag}


def graph_tables(root: Path, dataset: str | None = None) -> Path:
    """The tables of networks that the pipeline built, else those of the registered zoo."""
    built = places(root, dataset).normalised
    return built if built.exists() else places(root, ZOO).folder / "tables"


def built_networks(root: Path) -> dict[str, Any]:
    """The networks that the pipeline built, else the registered zoo's, by fingerprint."""
    from pipeline.tables.read_networks import read_networks

    return dict(read_networks(graph_tables(root)))


def read_zoo(root: Path) -> tuple[dict[str, Any], Any, dict[str, str]]:
    """The networks that were built, else the zoo's, their split, and their names, by
    fingerprint. Raises DataError where the zoo has no split."""
    from pipeline.tables.read import read_table
    from pipeline.tables.split import read_split

    tables = graph_tables(root)
    rows = read_table(tables, "networks").select(["fingerprint", "name"]).to_pylist()
    names = {row["fingerprint"]: row["name"] for row in rows}
    return built_networks(root), read_split(places(root, ZOO).folder, names), names


def find_codec(root: Path, name: str, domain: str | None = None) -> Any:
    """The codec that this project's own pipeline trained, else the shipped one; of one
    ``domain`` if named."""
    from pipeline.decode.codec import SHIPPED, load_codec

    own = places(root).codecs / name
    folder = own if (own / f"{name}.json").exists() else SHIPPED
    return load_codec(name, folder, domain)


def chosen_codec(root: Path, name: str) -> Any:
    """The codec that a user names: a shipped one, one that the pipeline trained, or the folder
    of one."""
    from pipeline.decode.codec import codec_names, load_codec

    folder = Path(name)
    if folder.name != name:
        if not (folder / f"{folder.name}.json").exists():
            raise DataError(f"{name}: no folder of a codec: holds no {folder.name}.json")
        return load_codec(folder.name, folder)
    return load_codec(name) if name in codec_names() else find_codec(root, name)


def codec_of(root: Path, code: Any) -> Any:
    """The codec that made a code, else the shipped one of its name, which will refuse it."""
    name = Path(code.codec).name  # a file from outside names no folder
    chosen = chosen_codec(root, name)
    if chosen.encoded(code):
        return chosen
    own = find_codec(root, name)
    return own if own.encoded(code) else chosen


def enas6_path(root: Path) -> Path:
    """The ENAS set: downloaded once, its digest checked."""
    from pipeline.harvest.enas6 import fetch_enas6

    return fetch_enas6(root / "datasets/enas6/raw/final_structures6.txt")


def dump(plain: Any) -> str:
    """JSON for machines, one line."""
    return json.dumps(plain, default=str)
