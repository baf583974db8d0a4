"""Words that every room uses: errors, ids, times, canonical JSON, money. Pure: no I/O."""
