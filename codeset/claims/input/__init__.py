"""Claims in: csv, JSON, parquet and 837P, parsed once and checked once."""
