"""Modules without a test file of their name, and the tests that hold what they do.

A rule, an operator, a source is tested in one loop over all of its kind, by what comes out at
the end. Whoever adds a module gives it a test of its name, or a line here with the reason.
"""

REPAIR = (
    "decode/test_repair_graph.py",
    "decode/test_repair_operators.py",
    "decode/test_repair_shapes.py",
)
SOURCES = ("harvest/test_sources_libraries.py", "harvest/test_sources_network.py",
           "harvest/test_sources_sampled.py")  # fmt: skip
OPERATORS = ("operators/test_examples.py", "operators/test_random_layers.py")

# module, or all modules of a pattern -> the tests, and why there
TESTED_THROUGH: dict[str, tuple[tuple[str, ...], str]] = {
    "atomic.py": (("tables/test_write.py",), "a writer is killed while readers read"),
    "command.py": (("test_cli.py",), "how commands print and refuse"),
    "errors.py": (("test_redaction.py",), "what an error says of its source"),
    "models.py": (("test_nn2vec.py",), "MODEL by each of its names"),
    "neighbours.py": (("test_dataset_commands.py",), "`nearest` on the zoo"),
    "places.py": (("test_stages.py", "test_params.py"), "where stages write"),
    "compress/context.py": (("decode/test_codec.py",), "vectors of vertices"),
    "compress/layers.py": (("compress/test_ae.py",), "parts of the models of cells"),
    "compress/vae_quality.py": (("compress/test_vae.py",), "the VAE and what it adds"),
    "compress/vocabulary.py": (("compress/test_grammar.py",), "tokens there and back"),
    "decode/between.py": (("test_codec_commands.py",), "sample and interpolate"),
    "decode/program_codec.py": (("decode/test_codec.py",), "a codec trained for a test"),
    "decode/shipped.py": (("test_cli.py",), "what `codecs` lists"),
    "decode/trial.py": (("decode/test_finite.py",), "the first vertex that explodes"),
    "decode/repair/*.py": (REPAIR, "a rule is judged by the drafts that it makes run"),
    "design/*.py": (("design/test_rules.py",), "every rule by one loop over cases"),
    "evaluate/label_features.py": (("evaluate/test_labels.py",), "features of the table"),
    "evaluate/nothing_learned.py": (("evaluate/test_zoo.py",), "rows beside a codec's"),
    "evaluate/restoring.py": (("evaluate/test_zoo.py",), "what `evaluate zoo` measures"),
    "evaluate/results.py": (("test_stages.py",), "what a stage gives and writes"),
    "evaluate/retrain_params.py": (("test_params.py",), "a section of params.yaml"),
    "evaluate/runs.py": (REPAIR, "whether repaired networks run"),
    "evaluate/smoothness.py": (("evaluate/test_zoo.py",), "what `evaluate zoo` measures"),
    "harvest/assemble.py": (SOURCES, "assembled against torch's export of the same"),
    "harvest/blocks.py": (SOURCES, "assembled against torch's export of the same"),
    "harvest/candidate.py": (("harvest/test_shelf.py",), "what a shelf takes"),
    "harvest/enas6.py": (SOURCES, "rows of the set"),
    "harvest/families.py": (SOURCES, "a family for every name"),
    "harvest/nasbench201.py": (SOURCES, "cells of the space"),
    "harvest/params.py": (("test_params.py",), "a section of params.yaml"),
    "harvest/random_blocks.py": (SOURCES, "networks drawn from a seed"),
    "harvest/records.py": (("harvest/test_shelf.py",), "what a shelf says of a file"),
    "harvest/labels/*.py": (("harvest/test_labels.py",), "every source by one loop"),
    "harvest/sources/*.py": (SOURCES, "every source by the networks it gives"),
    "operators/*.py": (OPERATORS, "every operator: ONNX Runtime, torch and source agree"),
    "program/compare.py": (("program/test_diff.py",), "what tells two programs apart"),
    "registry/card.py": (("registry/test_register.py",), "files of a version"),
    "registry/croissant.py": (("registry/test_register.py",), "files of a version"),
    "registry/export.py": (("registry/test_sql.py",), "the exported database"),
    "registry/manifest.py": (("registry/test_register.py",), "files of a version"),
    "registry/nearest.py": (("test_dataset_commands.py",), "`nearest` on the zoo"),
    "registry/statistics.py": (("registry/test_register.py",), "files of a version"),
    "registry/tags.py": (("registry/test_catalogue.py",), "versions and their tags"),
    "registry/take_out.py": (("test_dataset_commands.py",), "`datasets get`"),
    "report/*.py": (("report/test_page.py",), "every section of the page"),
    "tables/columns.py": (("tables/test_tables.py",), "one loop over declared tables"),
    "tables/describe.py": (("tables/test_normalise.py",), "facts of a network"),
    "tables/intact.py": (("registry/test_sql.py",), "damaged shards are refused"),
    "tables/read.py": (("tables/test_write.py",), "read as written"),
    "tables/read_networks.py": (("tables/test_networks.py",), "networks from their rows"),
    "tables/shards.py": (("tables/test_write.py",), "read as written"),
    "weightless/constants.py": (("weightless/test_weightless.py",), "reading whole files"),
    "weightless/copy.py": (("weightless/test_weightless.py",), "reading whole files"),
    "weightless/deadline.py": (("weightless/test_http.py",), "servers that never end"),
    "weightless/tensors.py": (("weightless/test_weightless.py",), "reading whole files"),
    "weightless/web.py": (("weightless/test_http.py",), "reading over HTTP"),
}
