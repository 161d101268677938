"""Nearest 10 of a million vectors of 64 numbers in DuckDB, on two threads, five ways.

`python benchmarks/nearest.py` writes results/benchmarks/nearest.json. The ways:

- parquet: the view that `nn2vec sql` queries, straight from the zstd shards;
- native: a table as the exported database holds it, FLOAT[64];
- macro: `nearest` of the exported database itself, names and families joined;
- signs: the native table with 64 sign bits a vector; those nearest by Hamming distance, then
  their exact distances;
- prefix: the native table with the 16 directions of largest variance apart; those nearest by
  their distance, then their exact distances.

Vectors are drawn in clusters, as families of networks are. Recall is the share of the exact
ten that a way finds; it is also measured on vectors without any clusters, the worst case.
Every time is the best of several runs for each of several queries.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.registry.sql import load_macros

ROWS, WIDTH, CLUSTERS, K, THREADS = 1_000_000, 64, 2_000, 10, 2
PREFIX, CANDIDATES = 16, 1_000
QUERIES, REPEATS, SEED = 10, 3, 0
TARGET_SECONDS = 1.0
RESULT = Path(__file__).parents[1] / "results/benchmarks/nearest.json"


@dataclass(frozen=True)
class Answers:
    """Query by query: best seconds of wall and of CPU, and the ids found."""

    wall: list[float]
    cpu: list[float]
    ids: list[set[int]]


@dataclass(frozen=True)
class Measured:
    """Way -> its answers; what was built -> seconds; file -> bytes."""

    found: dict[str, Answers]
    built: dict[str, float]
    sizes: dict[str, int]

    def recalls(self) -> dict[str, float]:
        """Way -> the mean share of the exact ten that it found."""
        truth = self.found["native"].ids
        shares = {
            name: [len(a & t) / K for a, t in zip(answers.ids, truth, strict=True)]
            for name, answers in self.found.items()
        }
        return {name: round(float(np.mean(share)), 4) for name, share in shares.items()}


def draw_vectors(rows: int, seed: int, clusters: int) -> np.ndarray:
    """rows x 64 float32: points about random centres, variance falling by direction."""
    random = np.random.default_rng(seed)
    vectors = 0.5 * random.standard_normal((rows, WIDTH), dtype=np.float32)
    if clusters:
        centres = random.normal(size=(clusters, WIDTH)).astype(np.float32)
        vectors += centres[random.integers(clusters, size=rows)]
    scales = np.linspace(2.0, 0.2, WIDTH, dtype=np.float32)
    rotation = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    return (vectors * scales) @ rotation


def quantise(vectors: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sign bits after centring and a random rotation (uint64), and the main directions."""
    random = np.random.default_rng(seed)
    centred = vectors - vectors.mean(axis=0)
    rotation = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))[0].astype(np.float32)
    bits = np.packbits(centred @ rotation > 0, axis=1).view(np.uint64).ravel()
    values, directions = np.linalg.eigh(vectors.T @ vectors)
    main = directions[:, np.argsort(values)[::-1][:PREFIX]].astype(np.float32)
    return bits, vectors @ main


def write_parquet(
    path: Path, vectors: np.ndarray, signs: np.ndarray, prefix: np.ndarray
) -> None:
    def fixed(array: np.ndarray) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])

    columns = {"id": pa.array(range(len(vectors))), "vector": fixed(vectors)}
    pq.write_table(pa.table(columns), path / "plain.parquet", compression="zstd")
    columns |= {"signs": pa.array(signs), "prefix": fixed(prefix)}
    pq.write_table(pa.table(columns), path / "all.parquet", compression="zstd")


def exact(source: str) -> str:
    return f"""
        SELECT id FROM {source}
        ORDER BY array_distance(
            vector::FLOAT[{WIDTH}], (SELECT vector::FLOAT[{WIDTH}] FROM {source} WHERE id = ?)
        ) LIMIT {K + 1}"""


def in_two_steps(first: str) -> str:
    """Candidates by a cheap order, then their exact distances."""
    return f"""
        WITH asked AS (SELECT vector, signs, prefix FROM quantised WHERE id = ?),
        candidates AS (
            SELECT rowid AS place FROM quantised ORDER BY {first} LIMIT {CANDIDATES}
        )
        SELECT q.id FROM quantised q
        WHERE q.rowid IN (SELECT place FROM candidates)
        ORDER BY array_distance(q.vector, (SELECT vector FROM asked))
        LIMIT {K + 1}"""


def ways(path: Path) -> dict[str, str]:
    return {
        "parquet": exact(f"read_parquet('{path / 'plain.parquet'}')"),
        "native": exact("native"),
        "macro": f"SELECT fingerprint::INT FROM nearest(format('{{:032d}}', ?), k := {K})",
        "signs": in_two_steps("bit_count(xor(signs, (SELECT signs FROM asked)))"),
        "prefix": in_two_steps("array_distance(prefix, (SELECT prefix FROM asked))"),
    }


def measure(rows: int, seed: int, clusters: int, repeats: int) -> Measured:
    """Build in a temporary folder and query each way."""
    with TemporaryDirectory() as folder:
        path = Path(folder)
        vectors = draw_vectors(rows, seed, clusters)
        write_parquet(path, vectors, *quantise(vectors, seed))
        asked = np.random.default_rng(seed + 1).integers(rows, size=QUERIES).tolist()
        with duckdb.connect(str(path / "nearest.duckdb")) as connection:
            connection.execute(f"SET threads = {THREADS}")
            built = build(connection, path)
            found = {n: ask(connection, sql, asked, repeats) for n, sql in ways(path).items()}
        database = (path / "nearest.duckdb").stat().st_size
        parquet = (path / "plain.parquet").stat().st_size
    return Measured(found, built, {"parquet": parquet, "database": database})


def build(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, float]:
    arrays = f"vector::FLOAT[{WIDTH}] AS vector"
    statements = {
        "native": f"CREATE TABLE native AS SELECT id, {arrays} FROM '{path}/plain.parquet'",
        "quantised": f"CREATE TABLE quantised AS SELECT id, {arrays}, signs, "
        f"prefix::FLOAT[{PREFIX}] AS prefix FROM '{path}/all.parquet'",
    }
    statements["macro"] = (
        "CREATE TABLE settings AS SELECT 'bench' AS default_codec;"
        "CREATE TABLE graph_embeddings AS SELECT 'bench' AS codec, "
        "format('{:032d}', id) AS fingerprint, vector AS smooth FROM native;"
        "CREATE TABLE networks AS SELECT fingerprint, 'net' || fingerprint AS name, "
        "'family' AS family FROM graph_embeddings"
    )
    seconds = {}
    for name, statement in statements.items():
        started = time.perf_counter()
        connection.execute(statement)
        seconds[name] = round(time.perf_counter() - started, 3)
    load_macros(connection)
    return seconds


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, asked: list[int], repeats: int
) -> Answers:
    """One way, asked every query several times."""
    answers = Answers([], [], [])
    for number in asked:
        wall, cpu = [], []
        for _ in range(repeats):
            started = time.perf_counter(), time.process_time()
            rows = connection.execute(sql, [number]).fetchall()
            wall.append(time.perf_counter() - started[0])
            cpu.append(time.process_time() - started[1])
        answers.wall.append(min(wall))
        answers.cpu.append(min(cpu))
        answers.ids.append({row[0] for row in rows} - {number})
    return answers


def report(clustered: Measured, spread: Measured, rows: int, seed: int) -> dict[str, object]:
    recalls, worst = clustered.recalls(), spread.recalls()
    plain = float(np.median(clustered.found["parquet"].wall))
    result: dict[str, object] = {}
    for name, answers in clustered.found.items():
        median = float(np.median(answers.wall))
        result[name] = {
            "seconds_median": round(median, 4),
            "seconds_max": round(max(answers.wall), 4),
            "cpu_seconds_median": round(float(np.median(answers.cpu)), 4),
            "times_faster_than_parquet": round(plain / median, 1),
            "recall_at_10": recalls[name],
            "recall_at_10_unclustered": worst[name],
            "under_target": max(answers.wall) < TARGET_SECONDS,
        }
    parameters = {
        "rows": rows, "width": WIDTH, "clusters": CLUSTERS, "k": K, "threads": THREADS,
        "prefix": PREFIX, "candidates": CANDIDATES, "queries": QUERIES, "repeats": REPEATS,
        "seed": seed, "target_seconds": TARGET_SECONDS,
    }  # fmt: skip
    return {
        "command": "python benchmarks/nearest.py",
        "parameters": parameters,
        "versions": {name: version(name) for name in ("duckdb", "pyarrow", "numpy")},
        "machine": {
            "cores": os.cpu_count(),
            "accelerator": None,
            "load_at_end": round(os.getloadavg()[0], 1),
        },
        "build_seconds": clustered.built,
        "bytes": clustered.sizes,
        "ways": result,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    clustered = measure(arguments.rows, arguments.seed, CLUSTERS, REPEATS)
    spread = measure(arguments.rows, arguments.seed, 0, 1)
    result = report(clustered, spread, arguments.rows, arguments.seed)
    result["wall_seconds"] = round(time.perf_counter() - started, 1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = arguments.out.with_name(f".tmp-{arguments.out.name}")
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    temporary.replace(arguments.out)
    print(json.dumps(result["ways"], indent=1))


if __name__ == "__main__":
    main()
