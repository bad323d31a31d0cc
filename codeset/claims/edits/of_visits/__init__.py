"""Edits of visits: new patients, two of a day, complexity, care after surgery."""
