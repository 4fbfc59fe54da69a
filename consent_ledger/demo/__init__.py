"""The demo: scenarios S1 to S3 in small, on a real ledger with real media files, and every answer checked.

`play` yields what happens, for whoever shows it; it knows nothing of terminals.
"""

from consent_ledger.demo.play import play
from consent_ledger.demo.scenes import Answer, Command, Event, Scene, Table, Text

__all__ = ["Answer", "Command", "Event", "Scene", "Table", "Text", "play"]
