"""What does it permit? The vocabulary, what parties say, and the decision; true on paper as much as here.

Pure: no clock, SQL, file, network, randomness or logger.
"""
