"""From the facts of a visit to the codes of a claim, and from a claim back to the facts."""
