-- How many architectures are there, under how many spellings?
SELECT
    count(*) AS spellings,
    count(DISTINCT design) AS architectures,
    count(*) - count(DISTINCT design) AS respelled
FROM networks;
