"""What happened: the event, its actions, its canonical bytes, its sealed fields. Pure: no I/O."""
