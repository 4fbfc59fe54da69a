"""Was it recorded, unaltered: sealed entries, the Merkle tree over them, and everything that proves something about it.

This room would be just as true if the entries were recipes. It is pure: it reads no store, clock or network. Code that
needs stored tree nodes first names their ids, so that the caller reads them at once, and then folds what it was given.
"""
