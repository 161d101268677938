"""From vectors back to networks: codecs, codes and repair."""
