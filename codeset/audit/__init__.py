"""Audit triggers: patterns in claims that draw an auditor's attention, each with its source and what to pull."""
