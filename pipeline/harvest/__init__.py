"""From sources to the shelf: fetching, provenance."""
