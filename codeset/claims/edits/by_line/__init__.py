"""Edits of lines by themselves: modifiers, notices, places of service, telehealth, components."""
