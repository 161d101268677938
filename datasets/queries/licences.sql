-- Under which licences do the files stand, by source?
SELECT licence, source, count(*) AS files
FROM files
GROUP BY licence, source
ORDER BY files DESC, licence, source;
