-- Which architectures are published in several files?
SELECT n.name, count(*) AS files, string_agg(f.address, ', ' ORDER BY f.address) AS addresses
FROM files f
JOIN networks n ON n.fingerprint = f.fingerprint
GROUP BY n.fingerprint, n.name
HAVING count(*) > 1
ORDER BY files DESC, n.name, n.fingerprint
LIMIT 20;
