"""HTTP: translate, never decide. Async stops here; below it everything is plain functions, called in threads."""
