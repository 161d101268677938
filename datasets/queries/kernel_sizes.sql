-- Which kernel sizes do convolutions have, and how often are they depthwise?
SELECT
    a.ints AS kernel,
    count(*) AS convolutions,
    count(*) FILTER (g.int > 1) AS grouped
FROM nodes n
JOIN attributes a
    ON a.fingerprint = n.fingerprint AND a.node = n.node AND a.attribute = 'kernel_shape'
LEFT JOIN attributes g
    ON g.fingerprint = n.fingerprint AND g.node = n.node AND g.attribute = 'group'
WHERE n.operator = 'Conv'
GROUP BY a.ints
ORDER BY convolutions DESC, kernel
LIMIT 15;
