"""ICD-10-CM: order file, code file and addenda become one table, the conversion table another."""
