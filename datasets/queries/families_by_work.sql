-- How much work is an image for each family, and how large are the networks that do it?
SELECT
    family,
    count(DISTINCT design) AS architectures,
    round(min(macs) / 1e6, 1) AS least_million_macs,
    round(median(macs) / 1e6, 1) AS median_million_macs,
    round(max(macs) / 1e6, 1) AS most_million_macs,
    round(median(macs / nullif(parameters, 0)), 1) AS median_macs_a_parameter
FROM networks
GROUP BY family
ORDER BY architectures DESC, family
LIMIT 20;
