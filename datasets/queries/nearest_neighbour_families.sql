-- For how many networks is the nearest neighbour of the same family, codec by codec?
WITH pairs AS (
    SELECT
        a.codec, a.fingerprint, b.fingerprint AS other,
        array_distance(a.smooth, b.smooth) AS distance
    FROM graph_embeddings a
    JOIN graph_embeddings b ON a.codec = b.codec AND a.fingerprint <> b.fingerprint
),
nearest_one AS (
    SELECT codec, fingerprint, arg_min(other, distance) AS other
    FROM pairs
    GROUP BY codec, fingerprint
)
SELECT
    p.codec,
    count(*) AS networks,
    count(*) FILTER (a.family = b.family) AS same_family,
    round(100 * avg((a.family = b.family)::INT), 1) AS percent
FROM nearest_one p
JOIN networks a ON a.fingerprint = p.fingerprint
JOIN networks b ON b.fingerprint = p.other
GROUP BY p.codec
ORDER BY percent DESC, p.codec;
