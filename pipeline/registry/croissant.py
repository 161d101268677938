"""A dataset described in Croissant, the JSON-LD that dataset search engines and loaders read.

The vocabulary is that of http://mlcommons.org/croissant/1.0.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from pipeline.registry.card import About
from pipeline.registry.manifest import TABLES_FOLDER, Manifest
from pipeline.tables.columns import Column
from pipeline.tables.shards import TableEntry, TableSet
from pipeline.tables.tables import Table, table_of

CROISSANT = "http://mlcommons.org/croissant/"
TERMS = (
    "citeAs", "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
    "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
    "references", "regex", "repeated", "replace", "separator", "source", "subField",
    "transform",
)  # fmt: skip
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": CROISSANT,
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in TERMS},
}
PARQUET = "application/x-parquet"
REFERENCES = {"fingerprint": "networks/fingerprint"}


def describe_in_croissant(
    about: About, manifest: Manifest, tables: TableSet, published: datetime | None
) -> dict[str, Any]:
    """The dataset as Croissant JSON-LD, one record set a table.

    ``published``: the day given as its date, the last harvest's.
    """
    optional = {
        "url": about.url,
        "keywords": list(about.keywords),
        "creator": [{"@type": "sc:Organization", "name": name} for name in about.creators],
        "datePublished": published.date().isoformat() if published else "",
    }
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CROISSANT + "1.0",
        "name": manifest.name,
        "description": about.description,
        "license": about.licence,
        "version": manifest.version,
        **{key: value for key, value in optional.items() if value},
        "distribution": [
            part for name, entry in tables.tables.items() for part in _files(name, entry)
        ],
        "recordSet": [
            _records(table_of(name), entry, "networks" in tables.tables)
            for name, entry in tables.tables.items()
        ],
    }


def _files(name: str, entry: TableEntry) -> list[dict[str, Any]]:
    """The shards of a table and, if they are several, the set of them."""
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": shard.file,
            "name": shard.file,
            "contentUrl": f"{TABLES_FOLDER}/{shard.file}",
            "contentSize": f"{shard.bytes} B",
            "encodingFormat": PARQUET,
            "sha256": shard.digest,
        }
        for shard in entry.shards
    ]
    if len(objects) == 1:
        return objects
    together = {
        "@type": "cr:FileSet",
        "@id": f"{name}-files",
        "name": f"{name}-files",
        "containedIn": [{"@id": shard.file} for shard in entry.shards],
        "encodingFormat": PARQUET,
        "includes": "*.parquet",
    }
    return [*objects, together]


def _records(table: Table, entry: TableEntry, with_networks: bool) -> dict[str, Any]:
    fields = []
    one = len(entry.shards) == 1
    origin = (
        {"fileObject": {"@id": entry.shards[0].file}}
        if one
        else {"fileSet": {"@id": f"{table.name}-files"}}
    )
    for column in table.columns:
        described = _field(table.name, column, origin)
        target = REFERENCES.get(column.name)
        if target and with_networks and table.name != "networks":
            described["references"] = {"field": {"@id": target}}
        fields.append(described)
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.meaning,
        "key": [{"@id": f"{table.name}/{key}"} for key in table.key],
        "field": fields,
    }


def _field(table: str, column: Column, origin: dict[str, Any]) -> dict[str, Any]:
    unit = f" ({column.unit})" if column.unit else ""
    many = column.type is None or pa.types.is_list(column.type)
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{column.name}",
        "name": column.name,
        "description": column.meaning + unit,
        "dataType": _data_type(column.type),
        **({"repeated": True} if many else {}),
        "source": {**origin, "extract": {"column": column.name}},
    }


def _data_type(kind: pa.DataType | None) -> str:
    if kind is None:
        return "sc:Float"
    if pa.types.is_list(kind):
        return _data_type(kind.value_type)
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    return "sc:DateTime" if pa.types.is_timestamp(kind) else "sc:Text"
