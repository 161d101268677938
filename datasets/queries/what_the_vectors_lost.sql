-- How many networks does each codec restore from the vector alone, and what do the others lack?
SELECT
    codec,
    count(*) AS networks,
    round(100 * avg((bits = 0)::INT), 2) AS percent_exact,
    quantile_disc(bits, 0.5) AS median_residual_bits,
    quantile_disc(bits, 0.95) AS p95_residual_bits
FROM residuals
GROUP BY codec
ORDER BY percent_exact DESC, codec;
