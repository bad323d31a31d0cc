"""A new quarter as a branch and a pull request."""
