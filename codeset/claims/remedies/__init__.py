"""Remedies: what CMS's tables say to report in place of lines that are denied as they are billed."""
