"""From tables to vectors: the compressors and how they are trained."""
