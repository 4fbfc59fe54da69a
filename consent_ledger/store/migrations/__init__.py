"""The steps from an empty database to the schema in `tables`, run by `schema`. A released step never changes."""
