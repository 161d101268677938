"""Edited networks: valid, new, and made once."""

from pathlib import Path
from random import Random

import pytest

from pipeline import Network
from pipeline.compress import augment
from pipeline.compress.augment import edit, make_examples, parents_of, spell_out
from pipeline.compress.vocabulary import Vocabulary
from pipeline.errors import ModelError
from pipeline.operators.shapes import infer_layers
from pipeline.program.program import Program


def test_edited_networks_are_valid_and_made_once(
    light: dict[str, Network], tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(augment, "SHARD", 4)
    networks = [light["squeezenet"], light["bvlc_alexnet"]]
    vocabulary = Vocabulary.of([Program.of(n).lines for n in networks], least=1)
    parents = parents_of(networks, ["squeezenet", "alexnet"])
    made = make_examples(parents, vocabulary, 8, 0, tmp_path, 1)
    assert len(made) == 8
    known = {network.fingerprint for network in networks}
    for example in made:
        network = Program(tuple(vocabulary.lines(example.exact))).network()
        infer_layers(network)  # raises for one that is not valid
        assert network.fingerprint not in known
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(make_examples(parents, vocabulary, 8, 0, tmp_path, 1)) == 8
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    spelled = spell_out(made, vocabulary, seed=0)
    assert any(len(a.exact) > len(b.exact) for a, b in zip(spelled, made, strict=True))
    for a, b in zip(spelled, made, strict=True):
        assert repr(vocabulary.lines(a.exact)) == repr(vocabulary.lines(b.exact))


def test_no_group_crowds_out_the_others(light: dict[str, Network]) -> None:
    parents = parents_of([light["squeezenet"]] * 101, ["cells"] * 100 + ["alone"])
    assert sum(parents.weights[:100]) == pytest.approx(10 * parents.weights[100])


def test_edits_give_networks_or_say_why(light: dict[str, Network]) -> None:
    parents = parents_of([light["squeezenet"], light["shufflenet"]], ["a", "b"])
    random, changed = Random(0), 0
    for _ in range(40):
        try:
            edited = edit(0, parents, random)
        except ModelError:
            continue
        changed += edited != parents.networks[0]
    assert changed >= 20
