"""Edits of the diagnoses of a line: valid on its date, in the right place, specific, and fitting the service."""
