"""The edits: one rule per file, what they find, and their rules as data."""
