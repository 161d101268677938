"""The network as a value: vertices, edges, canonical order, fingerprint."""
