-- How many networks, by source, are made of the paper's 20 operators alone?
SELECT
    f.source,
    count(DISTINCT n.fingerprint) AS networks,
    count(DISTINCT n.fingerprint) FILTER (n.paper_operators_only) AS within,
    round(100 * within / networks, 1) AS percent
FROM files f
JOIN networks n ON n.fingerprint = f.fingerprint
GROUP BY f.source
ORDER BY networks DESC, f.source;
