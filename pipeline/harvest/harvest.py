"""Sources -> shelf: list, skip what the shelf holds, fetch the rest."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipeline.errors import DataError, ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.isolation import Job, Limits, describe, run_isolated
from pipeline.harvest.params import HarvestParams, Section
from pipeline.harvest.shelf import Shelf
from pipeline.harvest.sources import source_named
from pipeline.progress import track
from pipeline.redaction import redact

# Reasons that say nothing of the model, so it is tried again next time.
PASSING = {"unreachable", "stalled", "defect"}
Shard = tuple[int, int]


@dataclass(frozen=True)
class HarvestReport:
    """What one run did: counts by source of models added, refused and already there.

    ``unreachable``: sources that could not even be listed, and why.
    """

    listed: dict[str, int]
    held: dict[str, int]
    added: dict[str, int]
    refused: dict[str, dict[str, int]]
    unreachable: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchTask:
    """One model to fetch, and its source's parameters."""

    candidate: Candidate
    section: Section


def harvest(
    shelf: Shelf,
    params: HarvestParams,
    shard: Shard = (0, 1),
    harvested_at: str | None = None,
) -> HarvestReport:
    """Bring what the sources offer onto the shelf; what stands there costs only the listing.

    ``shard`` (i, n): only the i-th of n parts, which are disjoint, together everything, and
    the same in any order. ``harvested_at``: an ISO 8601 time for new records, now if None.
    A model that cannot be had becomes a refusal on the shelf. Interrupted at any point, the
    next run goes on with what is missing.
    """
    when = harvested_at or datetime.now(UTC).isoformat(timespec="seconds")
    shelf.sweep()
    listed, unreachable = list_all(params)
    tasks = [task for task in listed if _in_shard(task.candidate.address, shard)]
    missing = _missing(shelf, tasks, params.retry)
    added: Counter[str] = Counter()
    refusals: dict[str, Counter[str]] = {}
    for task, result in track(fetch_all(missing, params), "harvest", len(missing)):
        source = task.candidate.source
        if isinstance(result, ModelError):
            shelf.refuse(task.candidate, result, when)
            refusals.setdefault(source, Counter())[result.reason] += 1
        else:
            shelf.add(task.candidate, result, when)
            added[source] += 1
    return HarvestReport(
        listed=_count(tasks),
        held=dict(Counter(_count(tasks)) - Counter(_count(missing))),
        added=dict(added),
        refused={source: dict(reasons) for source, reasons in refusals.items()},
        unreachable=unreachable,
    )


def list_all(params: HarvestParams) -> tuple[list[FetchTask], dict[str, str]]:
    """What every chosen source offers, and which of them did not answer, or answered what
    nobody could read: that stops no other source."""
    tasks: list[FetchTask] = []
    unreachable: dict[str, str] = {}
    for name, section in params.sources.chosen().items():
        try:
            tasks += [FetchTask(found, section) for found in _list_one(name, section)]
        except ModelError as error:
            unreachable[name] = str(error)
        except DataError:
            raise
        except Exception as error:
            unreachable[name] = redact(describe(error))
    return tasks, unreachable


def fetch_all(
    tasks: list[FetchTask], params: HarvestParams
) -> Iterator[tuple[FetchTask, Fetched | ModelError]]:
    """Fetch each in a process of its own limits, as they finish."""
    limits = Limits(params.seconds, params.memory_gib)
    job: Job[FetchTask, Fetched] = Job(_fetch, limits, prepare=_import_source)
    yield from run_isolated(job, tasks, params.processes)


def _list_one(name: str, section: Any) -> list[Candidate]:
    candidates = list(source_named(name).list_candidates(section))
    return candidates if section.limit is None else candidates[: section.limit]


def _import_source(task: FetchTask) -> None:
    source_named(task.candidate.source)


def _fetch(task: FetchTask) -> Fetched:
    return source_named(task.candidate.source).fetch(task.candidate, task.section)


def _missing(shelf: Shelf, tasks: list[FetchTask], retry: tuple[str, ...]) -> list[FetchTask]:
    """Those whose present version the shelf neither holds nor remembers as refused."""
    again = PASSING | set(retry)
    known = {(record.address, record.version) for record in shelf.files()}
    known |= {(r.address, r.version) for r in shelf.refusals() if r.reason not in again}
    return [e for e in tasks if (e.candidate.address, e.candidate.version) not in known]


def _in_shard(address: str, shard: Shard) -> bool:
    index, count = shard
    return int(hashlib.sha256(address.encode()).hexdigest(), 16) % count == index


def _count(tasks: list[FetchTask]) -> dict[str, int]:
    return dict(Counter(task.candidate.source for task in tasks))
