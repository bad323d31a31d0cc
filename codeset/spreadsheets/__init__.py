"""Tables that practices bring: workbooks read safely, and the captions of their columns."""
