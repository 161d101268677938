-- Which networks are nearest to ResNet18?
SELECT name, family, round(similarity, 4) AS similarity
FROM nearest('resnet18', k := 10);
