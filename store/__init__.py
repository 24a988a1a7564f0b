"""What remembers: engine and transactions, tables, one module of queries per noun, bell, migrations."""
