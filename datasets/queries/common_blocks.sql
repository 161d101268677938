-- Which runs of three operators are the most common over all networks?
SELECT
    concat_ws(' > ', a.operator, b.operator, c.operator) AS block,
    count(*) AS occurrences,
    count(DISTINCT a.fingerprint) AS networks
FROM nodes a
JOIN edges first ON first.fingerprint = a.fingerprint AND first.source = a.node
JOIN nodes b ON b.fingerprint = a.fingerprint AND b.node = first.target
JOIN edges second ON second.fingerprint = b.fingerprint AND second.source = b.node
JOIN nodes c ON c.fingerprint = b.fingerprint AND c.node = second.target
GROUP BY block
ORDER BY occurrences DESC, block
LIMIT 15;
