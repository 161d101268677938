-- How many networks does each codec restore from its vectors alone, and how large are patches?
SELECT
    codec,
    count(*) AS networks,
    round(100 * avg((bytes = 0)::INT), 2) AS percent_exact,
    quantile_disc(bytes, 0.5) AS median_patch_bytes,
    quantile_disc(bytes, 0.95) AS p95_patch_bytes
FROM patches
GROUP BY codec
ORDER BY percent_exact DESC, codec;
