-- One view a table, over the shards of the dataset's current version.
CREATE OR REPLACE VIEW files AS SELECT * FROM read_parquet($files);
CREATE OR REPLACE VIEW networks AS SELECT * FROM read_parquet($networks);
CREATE OR REPLACE VIEW labels AS SELECT * FROM read_parquet($labels);
CREATE OR REPLACE VIEW splits AS SELECT * FROM read_parquet($splits);
CREATE OR REPLACE VIEW nodes AS SELECT * FROM read_parquet($nodes);
CREATE OR REPLACE VIEW edges AS SELECT * FROM read_parquet($edges);
CREATE OR REPLACE VIEW attributes AS SELECT * FROM read_parquet($attributes);
CREATE OR REPLACE VIEW rejected AS SELECT * FROM read_parquet($rejected);
-- Parquet knows lists only: the width of the vectors comes from the manifest. Columns are
-- named with their table (s), or DuckDB takes them for the parameters of a macro that uses it.
CREATE OR REPLACE VIEW graph_embeddings AS
    SELECT s.* REPLACE (
        s.vector::FLOAT[$graph_embeddings_vector] AS vector,
        s.smooth::FLOAT[$graph_embeddings_smooth] AS smooth
    )
    FROM read_parquet($graph_embeddings) s;
CREATE OR REPLACE VIEW vertex_embeddings AS
    SELECT s.* REPLACE (s.vector::FLOAT[$vertex_embeddings_vector] AS vector)
    FROM read_parquet($vertex_embeddings) s;
CREATE OR REPLACE VIEW residuals AS SELECT * FROM read_parquet($residuals);
