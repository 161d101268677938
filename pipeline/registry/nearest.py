"""The networks of a dataset nearest to the smooth part of a vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from pipeline.errors import DataError

QUERY = """
SELECT n.name, n.family, g.fingerprint,
    1 / (1 + array_distance(g.smooth, $smooth::FLOAT[{width}])) AS similarity
FROM graph_embeddings g JOIN networks n USING (fingerprint)
WHERE g.codec = $codec
ORDER BY similarity DESC, g.fingerprint
LIMIT $k
"""
VECTORS = """
SELECT n.name, n.family, g.fingerprint, g.smooth
FROM graph_embeddings g JOIN networks n USING (fingerprint)
WHERE g.codec = $codec ORDER BY g.fingerprint
"""
LABELS = """
SELECT data_set || ' ' || metric AS what, max(value) AS value
FROM labels WHERE fingerprint = $fingerprint GROUP BY what ORDER BY what LIMIT 3
"""


def find_nearest(
    connection: duckdb.DuckDBPyConnection, codec: str, smooth: Sequence[float], k: int = 10
) -> list[dict[str, Any]]:
    """The k networks whose smooth parts by ``codec`` are nearest, with what is known of
    them. Raises DataError where the dataset holds no vectors of that codec and width."""
    try:
        rows = connection.execute(
            QUERY.format(width=len(smooth)), {"smooth": list(smooth), "codec": codec, "k": k}
        ).fetchall()
    except duckdb.CatalogException as e:
        raise DataError("the dataset holds no vectors of whole networks") from e
    except duckdb.Error as e:
        raise DataError(f"{codec}: vectors of {len(smooth)} numbers do not fit: {e}") from e
    if not rows:
        raise DataError(f"the dataset holds no vectors of codec {codec}")
    names = ("name", "family", "fingerprint", "similarity")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    has_labels = bool(
        connection.execute(
            "SELECT 1 FROM duckdb_views() WHERE view_name = 'labels'"
        ).fetchone()
    )
    for row in found if has_labels else ():
        known = connection.execute(LABELS, {"fingerprint": row["fingerprint"]}).fetchall()
        row["labels"] = dict(known)
    return found


def vectors_of(connection: duckdb.DuckDBPyConnection, codec: str) -> list[dict[str, Any]]:
    """Name, family, fingerprint and smooth part by ``codec`` of every network of a dataset."""
    found = connection.execute(VECTORS, {"codec": codec}).fetchall()
    names = ("name", "family", "fingerprint", "smooth")
    return [dict(zip(names, row, strict=True)) for row in found]
