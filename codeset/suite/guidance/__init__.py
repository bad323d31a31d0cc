"""What practice guides say, tried on a release."""
