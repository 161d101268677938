-- Which architectures are spelled in several ways?
SELECT
    count(*) AS spellings,
    string_agg(name, ', ' ORDER BY name, fingerprint) AS names,
    string_agg(DISTINCT vertices::VARCHAR, ', ' ORDER BY vertices::VARCHAR) AS vertices
FROM networks
GROUP BY design
HAVING count(*) > 1
ORDER BY spellings DESC, names
LIMIT 20;
