"""The golden suite: scenarios that a coder wrote, tried against any release in one batch, and what was accepted."""
