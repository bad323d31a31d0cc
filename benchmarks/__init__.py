"""Measured ratios against other ways and the floor; never a timed test."""
