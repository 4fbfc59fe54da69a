"""SQL: the log, its openings and the index over them, in SQLite or PostgreSQL through the same statements.

Entries, openings, nodes and checkpoints are the truth and only ever grow; triggers refuse every change to them, whoever
asks. `touch` is an index over the truth: it can be dropped and filled again by replaying the log. Nothing here decides:
bytes and numbers go in and come out, and rows never leave.

`engine` opens a ledger and gives transactions; `log` and `index` say what is read and written in one; `schema` keeps
the tables at the version this code wants; `tables` is that version as SQLModel, for migrations alone.
"""
