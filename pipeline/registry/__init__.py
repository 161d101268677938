"""Versioned datasets, their cards and manifests, and SQL over them."""
