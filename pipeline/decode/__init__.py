"""From vectors back to networks: codecs, patches and repair."""
