-- How large are the families, in networks, vertices and parameters?
SELECT
    family,
    count(*) AS networks,
    min(vertices) AS fewest_vertices,
    max(vertices) AS most_vertices,
    round(median(parameters) / 1e6, 2) AS median_million_parameters
FROM networks
GROUP BY family
ORDER BY networks DESC, family
LIMIT 20;
