"""Damaged bytes: of a real file nothing comes but a skeleton or a ModelError.

``NN2VEC_FUZZ=10000 pytest tests/weightless/test_mutations.py`` is the long run.
"""

from __future__ import annotations

import io
import itertools
import os
import random
import time
from pathlib import Path

import onnx
from onnx import ModelProto

from pipeline.errors import ModelError
from pipeline.weightless.skeleton import read_skeleton

LIGHT = sorted((Path(onnx.__file__).parent / "backend/test/data/light").glob("*.onnx"))


def canonical(model: ModelProto) -> bytes:
    return model.SerializeToString(deterministic=True)


def export_small() -> bytes:
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 4),
    ]
    buffer = io.BytesIO()
    example = (torch.zeros(1, 3, 8, 8),)
    torch.onnx.export(nn.Sequential(*layers).eval(), example, buffer, dynamo=False)
    return buffer.getvalue()


def mutated(data: bytes, choose: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(choose.randint(1, 4)):
        # half the blows land where headers stand, not somewhere in a payload
        at = choose.randrange(len(out) if choose.random() < 0.5 else min(len(out), 2000))
        match choose.randrange(4):
            case 0:
                out[at] ^= 1 << choose.randrange(8)
            case 1:
                out[at] = choose.choice([0, 0x7F, 0x80, 0xFF, choose.randrange(256)])
            case 2:
                out[at:at] = choose.randbytes(choose.randint(1, 12))
            case 3:
                del out[at : at + choose.randint(1, 50)]
        if choose.random() < 0.02 or not out:
            return bytes(out[: max(1, at)])
    return bytes(out)


def test_mutated_files_raise_nothing_but_model_errors() -> None:
    files = [path.read_bytes() for path in LIGHT if path.stat().st_size < 100_000]
    files.append(export_small())
    choose = random.Random(20)
    outcomes = {"read": 0, "refused": 0}
    for _, data in zip(
        range(int(os.environ.get("NN2VEC_FUZZ", "400"))), itertools.cycle(files)
    ):
        changed = mutated(data, choose)
        began = time.process_time()
        try:
            skeleton = read_skeleton(io.BytesIO(changed))
        except ModelError:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            assert canonical(read_skeleton(io.BytesIO(canonical(skeleton)))) == canonical(
                skeleton
            )
        assert time.process_time() - began < 5
    assert min(outcomes.values()) > 20
