"""Evidence on paper and in tables: the PDF printer, and the store of cases and custody."""
