"""The forms of a review: page, workbook, Markdown and data, the same facts in each."""
