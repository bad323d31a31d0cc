"""Claims read against snapshots: what Medicare's public rules say of each line, why, and for how much."""
