"""What a release means for one practice: its own claims under two releases, and its volumes."""
