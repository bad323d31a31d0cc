"""What `codeset diff` prints: facts of two releases, as Markdown, workbook and JSON."""
