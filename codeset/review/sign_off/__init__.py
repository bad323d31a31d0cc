"""Approvals, decisions and the gate."""
