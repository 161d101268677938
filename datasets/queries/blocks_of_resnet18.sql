-- Of which blocks is ResNet18 made?
SELECT block, occurrences
FROM block_histogram('resnet18', n := 3)
LIMIT 10;
