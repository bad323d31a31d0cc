"""The practice guide rebuilt from a snapshot: codes, amounts, edits, modifiers, and what printed guides got right."""
