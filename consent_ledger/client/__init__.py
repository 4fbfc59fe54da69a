"""The typed client of the HTTP service.

    with Client("https://ledger.example", token=token, vkey=vkey) as client:
        answer = client.clear(question)
        receipt = client.register(envelope)

Whatever goes wrong is an error of this package's own tree: an answer that is late, cut short, of another kind, or about
something else is never a verdict. What can be verified here is verified here; with `vkey` the log's signatures too.
"""

from consent_ledger.client.client import Client
from consent_ledger.client.transport import Patience

__all__ = ["Client", "Patience"]
