-- Why were files refused, and how many?
SELECT stage, reason, count(*) AS files, min(detail) AS example
FROM rejected
GROUP BY stage, reason
ORDER BY files DESC, stage, reason;
