"""CMS's files to typed tables: recognize, open, parse, compare forms, check."""
