-- In how many networks does each operator occur?
SELECT
    operator,
    count(DISTINCT fingerprint) AS networks,
    count(*) AS vertices,
    round(100 * count(DISTINCT fingerprint) / (SELECT count(*) FROM networks), 1) AS percent
FROM nodes
WHERE operator NOT IN ('Input', 'Output')
GROUP BY operator
ORDER BY networks DESC, operator;
