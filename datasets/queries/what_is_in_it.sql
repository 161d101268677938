-- What does the dataset hold, source by source?
SELECT
    f.source,
    count(*) AS files,
    count(DISTINCT f.fingerprint) AS networks,
    count(DISTINCT n.family) AS families,
    median(n.vertices)::INT AS median_vertices,
    max(n.vertices) AS most_vertices
FROM files f
LEFT JOIN networks n ON n.fingerprint = f.fingerprint
GROUP BY f.source
ORDER BY networks DESC, f.source;
