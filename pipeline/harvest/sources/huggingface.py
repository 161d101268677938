"""ONNX files of Hugging Face repositories; of each, only the graph's bytes are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import httpx
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import build_hf_headers

from pipeline.errors import ModelError
from pipeline.harvest.candidate import Candidate, Fetched
from pipeline.harvest.families import family_of
from pipeline.harvest.http import Patience
from pipeline.harvest.params import HuggingFace
from pipeline.harvest.sources.files import fetch_url


def list_candidates(params: HuggingFace) -> Iterator[Candidate]:
    """Every ``.onnx`` file of the repositories and organisations, with its revision."""
    api = HfApi(endpoint=params.endpoint)
    try:
        for repository in _repositories(api, params):
            yield from _files_of(repository, params)
    except (HfHubHTTPError, httpx.HTTPError, OSError) as error:
        raise ModelError("unreachable", str(error)[:300], params.endpoint) from error


def fetch(candidate: Candidate, params: HuggingFace) -> Fetched:
    """Read one file's graph over HTTP ranges."""
    repository, _, filename = candidate.address.removeprefix("hf://").partition("@")
    revision, _, path = filename.partition("/")
    url = hf_hub_url(repository, path, revision=revision, endpoint=params.endpoint)
    return fetch_url(url, build_hf_headers(), Patience(seconds=params.seconds))


def _repositories(api: HfApi, params: HuggingFace) -> Iterator[Any]:
    for name in params.repositories:
        yield api.model_info(name, timeout=params.seconds)
    for organisation in params.organisations:
        yield from api.list_models(author=organisation, full=True)


def _files_of(repository: Any, params: HuggingFace) -> Iterator[Candidate]:
    """The address holds the revision, so it names one content for ever."""
    licence = next(
        (tag.removeprefix("license:") for tag in repository.tags or () if "license:" in tag),
        "unknown",
    )
    names = sorted(file.rfilename for file in repository.siblings or ())
    models = [name for name in names if name.endswith(".onnx")]
    for path in models:
        # One model a repository is usually called model.onnx: the repository names it then.
        stem = PurePosixPath(path).stem
        name = repository.id.rpartition("/")[2] if len(models) == 1 else stem
        yield Candidate(
            source="huggingface",
            address=f"hf://{repository.id}@{repository.sha}/{path}",
            name=name,
            family=family_of(name),
            licence=licence,
            version=str(repository.sha),
        )
