"""PostgreSQL 15 and newer. Needs psycopg: import nothing from here where no such database is named."""
