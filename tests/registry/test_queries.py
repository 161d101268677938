from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner

from pipeline import cli
from pipeline.errors import DataError
from pipeline.registry.queries import read_queries
from pipeline.registry.sql import connect, run_query

FOLDER = Path(__file__).parents[2] / "datasets/queries"
QUERIES = read_queries(FOLDER)
# What each answers on the small zoo: the first row, or a part of it.
FIRST = {
    "blocks_of_resnet18": ("Conv > BatchNormalization > Relu", 2),
    "branching_networks": ("skip8", "skip", 12, 12, 2, 2, 11),
    "common_blocks": ("Conv > BatchNormalization > Relu", 7, 4),
    "families_by_work": ("plain", 2, 11.0),
    "how_many_spellings": (5, 4, 1),
    "same_design_twice": (2, "plain16, resnet18"),
    "families_by_size": ("plain", 3, 11, 11, 0.0),
    "kernel_sizes": ([3, 3], 8, 0),
    "licences": ("MIT", "hand", 4),
    "nearest_neighbour_families": ("zoo-ae", 5, 3, 60.0),
    "nearest_to_resnet18": ("plain8", "plain"),
    "operators_by_use": ("Flatten", 5, 5, 100.0),
    "what_is_in_it": ("hand", 4, 4, 2, 11, 12),
    "what_the_vectors_lost": ("zoo-ae", 5, 80.0, 0, 24),
    "why_rejected": ("read", "cycle", 1, "vertex 3 depends on itself"),
    "within_the_paper": ("hand", 4, 4, 100.0),
}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_every_query_answers_its_question(datasets, query):
    assert query.question.endswith("?")
    with connect(datasets) as connection:
        rows = run_query(connection, query.sql).rows
    if query.name == "same_architecture_twice":
        assert rows == []  # the small zoo holds every network once
    else:
        expected = FIRST[query.name]
        assert rows[0][: len(expected)] == expected


def test_there_are_a_dozen_and_they_are_documented_with_their_answers(datasets, monkeypatch):
    copytree(FOLDER, datasets / "queries")
    monkeypatch.setenv("NN2VEC_ROOT", str(datasets.parent))
    result = CliRunner().invoke(cli.main, ["datasets", "queries"])
    assert result.exit_code == 0, result.output
    assert result.stdout.count("```sql") == len(QUERIES) >= 12
    assert "| plain8" in result.stdout


def test_a_query_without_a_question_is_refused(tmp_path):
    (tmp_path / "bad.sql").write_text("SELECT 1;\n")
    with pytest.raises(DataError, match=r"bad\.sql"):
        read_queries(tmp_path)
