"""ONNX files of Hugging Face repositories; of each, only the graph's bytes are fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import httpx2
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers

from pipeline.errors import ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.families import family_of
from pipeline.harvest.params import HuggingFace
from pipeline.harvest.sources.files import fetch_url
from pipeline.weightless.web import (
    AGAIN,
    Patience,
    TransientError,
    retry_after,
    with_patience,
)

SCHEME = "hf://"


def list_candidates(params: HuggingFace) -> Iterator[Candidate]:
    """Every ``.onnx`` file of the repositories and organisations.

    A file's version is its digest where the hub tells it (named repositories), else the
    repository's revision.
    """
    api = HfApi(endpoint=params.endpoint)
    for name in params.repositories:
        yield from _files_of(_ask(partial(_describe, api, name, params), params))
    for organisation in params.organisations:
        for repository in _ask(partial(_list, api, organisation), params):
            yield from _files_of(repository)


def fetch(candidate: Candidate, params: HuggingFace) -> Fetched:
    """Read one file's graph over HTTP ranges."""
    owner, repository, path = candidate.address.removeprefix(SCHEME).split("/", 2)
    url = hf_hub_url(f"{owner}/{repository}", path, endpoint=params.endpoint)
    return fetch_url(
        url, build_hf_headers(), Patience(params.seconds, params.tries), params.hosts
    )


def _describe(api: HfApi, name: str, params: HuggingFace) -> Any:
    return api.model_info(name, files_metadata=True, timeout=params.seconds)


def _list(api: HfApi, organisation: str) -> list[Any]:
    return list(api.list_models(author=organisation, full=True))


def _ask(call: Callable[[], Any], params: HuggingFace) -> Any:
    """The hub's answer, with patience."""

    def attempt() -> Any:
        try:
            return call()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status in AGAIN:
                pause = retry_after(error.response.headers)
                raise TransientError(f"HTTP {status}", pause) from error
            raise ModelError("unreachable", f"HTTP {status}", params.endpoint) from error
        except httpx2.TransportError as error:
            raise TransientError(f"{type(error).__name__}: {error}") from error

    return with_patience(attempt, Patience(params.seconds, params.tries), params.endpoint)


def _files_of(repository: Any) -> Iterator[Candidate]:
    tags = repository.tags or ()
    licence = next((t.removeprefix("license:") for t in tags if "license:" in t), "unknown")
    files = sorted(repository.siblings or (), key=lambda file: file.rfilename)
    models = [file for file in files if file.rfilename.endswith(".onnx")]
    for file in models:
        # One model a repository is usually called model.onnx: the repository names it then.
        stem = PurePosixPath(file.rfilename).stem
        name = repository.id.rpartition("/")[2] if len(models) == 1 else stem
        digest = file.lfs.sha256 if file.lfs else file.blob_id
        yield Candidate(
            source="huggingface",
            address=f"{SCHEME}{repository.id}/{file.rfilename}",
            name=name,
            family=family_of(name),
            licence=licence,
            version=str(digest or repository.sha),
        )
