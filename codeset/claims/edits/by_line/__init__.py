"""Edits of single lines: modifiers, notices, places of service, telehealth, components."""
