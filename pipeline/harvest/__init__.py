"""From sources to the shelf: fetching, stripping to skeletons, provenance."""
