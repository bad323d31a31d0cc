"""Where speed is: lines as numbers, distinct line kinds, deduplication, visits. No rule is decided here."""
