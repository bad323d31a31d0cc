"""The forms of CMS's files: workbooks, delimited, tab-separated and fixed-width text, as cells."""
