"""Coding scenarios: facts of a visit with the lines that a coder makes of them, tried on any coding engine."""
