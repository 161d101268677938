"""Parquet tables, each column declared once, every write checked."""
