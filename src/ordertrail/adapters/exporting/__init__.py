"""Where sealed events are sent: syslog over TLS, TCP and UDP, HTTP, files; and where it is kept how far that is."""
