-- The codec whose vectors count when a query names none.
CREATE OR REPLACE MACRO default_codec() AS (SELECT s.default_codec FROM settings s);

-- Codec, or NULL for the default one -> the codec, if there are vectors of it.
CREATE OR REPLACE MACRO find_codec(wanted) AS coalesce(
    (
        SELECT min(g.codec) FROM graph_embeddings g
        WHERE g.codec = coalesce(wanted, default_codec())
    ),
    error('there are no vectors of codec ' || coalesce(wanted, default_codec()))
);

-- Name or fingerprint of a network -> its fingerprint.
CREATE OR REPLACE MACRO find_network(wanted) AS coalesce(
    (
        SELECT n.fingerprint FROM networks n
        WHERE n.name = wanted OR n.fingerprint = wanted
        ORDER BY n.fingerprint = wanted DESC, n.fingerprint
        LIMIT 1
    ),
    error('no network has the name or fingerprint ' || wanted)
);

-- Fingerprint and codec -> the smooth part of that network's vector.
CREATE OR REPLACE MACRO vector_of(wanted, made_by) AS coalesce(
    (
        SELECT g.smooth FROM graph_embeddings g
        WHERE g.fingerprint = wanted AND g.codec = made_by
    ),
    error('codec ' || made_by || ' has no vector of network ' || wanted)
);

-- The k networks nearest to a fingerprint by the distance of smooth parts, itself left out. It
-- is left out last, and its vector is looked up apart, so that a million vectors are scanned
-- once and never joined. Similarity is 1 at distance 0 and falls as 1 / (1 + distance).
CREATE OR REPLACE MACRO similar_to(fingerprint, k := 10, codec := NULL) AS TABLE
    SELECT n.name, n.family, near.fingerprint, near.similarity
    FROM (
        SELECT scored.fingerprint, scored.similarity
        FROM (
            SELECT
                g.fingerprint,
                1 / (1 + array_distance(
                    g.smooth, (SELECT vector_of(fingerprint, find_codec(codec)))
                )) AS similarity
            FROM graph_embeddings g
            WHERE g.codec = find_codec(codec)
        ) scored
        ORDER BY scored.similarity DESC, scored.fingerprint
        LIMIT k + 1
    ) near
    LEFT JOIN networks n ON n.fingerprint = near.fingerprint
    WHERE near.fingerprint <> fingerprint
    ORDER BY near.similarity DESC, near.fingerprint
    LIMIT k;

-- The same, for a name or a fingerprint.
CREATE OR REPLACE MACRO nearest(name, k := 10, codec := NULL) AS TABLE
    SELECT * FROM similar_to(find_network(name), k := k, codec := codec);

-- All networks that are one architecture with this one at inference, itself among them.
CREATE OR REPLACE MACRO spellings_of(wanted) AS TABLE
    SELECT n.name, n.family, n.vertices, n.fingerprint
    FROM networks n
    WHERE n.design = (SELECT m.design FROM networks m WHERE m.fingerprint = find_network(wanted))
    ORDER BY n.vertices, n.name, n.fingerprint;

-- The operators of a network and how often each occurs.
CREATE OR REPLACE MACRO operators_of(name) AS TABLE
    SELECT o.operator, count(*) AS vertices
    FROM nodes o
    WHERE o.fingerprint = find_network(name)
    GROUP BY o.operator
    ORDER BY vertices DESC, o.operator;

-- The runs of n operators along the edges of a network, and how often each occurs.
CREATE OR REPLACE MACRO block_histogram(name, n := 3) AS TABLE
    WITH RECURSIVE
    labels AS (
        SELECT v.node, v.operator FROM nodes v WHERE v.fingerprint = find_network(name)
    ),
    steps AS (
        SELECT DISTINCT e.source, e.target FROM edges e
        WHERE e.fingerprint = find_network(name)
    ),
    runs AS (
        SELECT l.node AS last, l.operator AS block, 1 AS length FROM labels l
        UNION ALL
        SELECT s.target, r.block || ' > ' || l.operator, r.length + 1
        FROM runs r
        JOIN steps s ON s.source = r.last
        JOIN labels l ON l.node = s.target
        WHERE r.length < n
    )
    SELECT runs.block, count(*) AS occurrences
    FROM runs
    WHERE runs.length = n
    GROUP BY runs.block
    ORDER BY occurrences DESC, runs.block;
