-- Which networks branch the most?
SELECT name, family, vertices, edges, max_out_degree, max_in_degree, depth
FROM networks
ORDER BY max_in_degree DESC, max_out_degree DESC, name, fingerprint
LIMIT 10;
