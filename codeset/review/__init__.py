"""What a compliance lead reads: one model of changes, written for people (Markdown, workbook) and programs (JSON)."""
