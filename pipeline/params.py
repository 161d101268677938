"""params.yaml as frozen models that refuse keys they do not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.errors import DataError
from pipeline.harvest.params import HarvestParams
from pipeline.redaction import GIVE_IT_OTHERWISE, find_credential

FILE = "params.yaml"
Model = TypeVar("Model", bound=BaseModel)


def load_section(root: Path, model: type[Model], *path: str) -> Model:
    """One section of ``root/params.yaml``: ``load_section(root, Model, "codecs", "ae")``.

    Raises DataError naming the file, the section and every key that is wrong.
    """
    file = root / FILE
    plain: Any = _read(file)
    for key in path:
        if not isinstance(plain, dict) or key not in plain:
            known = ", ".join(plain) if isinstance(plain, dict) else "nothing"
            raise DataError(f"{file}: no {'.'.join(path)}: {key!r} is not among: {known}")
        plain = plain[key]
    try:
        return model.model_validate(plain)
    except ValidationError as e:
        problems = "; ".join(
            f"{'.'.join(map(str, (*path, *p['loc'])))}: {p['msg']}" for p in e.errors()
        )
        raise DataError(f"{file}: {problems}") from e


def load_harvest(root: Path, profile: str) -> HarvestParams:
    """The harvest parameters of a profile."""
    return load_section(root, HarvestParams, "harvest", profile)


def read_plain(root: Path) -> dict[str, Any]:
    """All of params.yaml, for manifests. Raises DataError where it holds a credential, for
    manifests are published."""
    plain = dict(_read(root / FILE))
    if where := find_credential(plain):
        raise DataError(f"{root / FILE}: {where} holds a credential: {GIVE_IT_OTHERWISE}")
    return plain


def _read(file: Path) -> Any:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as e:
        raise DataError(f"{file}: cannot be read: {e}") from e
