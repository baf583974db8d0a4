"""SQL as drivers get it: which audited rows a statement is about, before it runs and after; for any library above."""
