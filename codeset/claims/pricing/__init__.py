"""The allowed amount of a line: fee, ranking, reductions, derivation."""
