-- Which runs of three operators are the most common over all networks?
WITH steps AS MATERIALIZED (
    SELECT e.fingerprint, e.source, e.target, n.operator
    FROM edges e
    JOIN nodes n ON n.fingerprint = e.fingerprint AND n.node = e.target
),
runs AS MATERIALIZED (
    SELECT a.fingerprint, a.source, a.operator AS second, b.operator AS third
    FROM steps a
    JOIN steps b ON b.fingerprint = a.fingerprint AND b.source = a.target
)
SELECT
    concat_ws(' > ', n.operator, r.second, r.third) AS block,
    count(*) AS occurrences,
    count(DISTINCT r.fingerprint) AS networks
FROM runs r
JOIN nodes n ON n.fingerprint = r.fingerprint AND n.node = r.source
GROUP BY block
ORDER BY occurrences DESC, block
LIMIT 15;
