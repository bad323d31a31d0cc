"""What people look up in a release by other names than the tables have."""
