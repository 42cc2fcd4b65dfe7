"""The legacy API, that of 2016, over the services of the features. Texts and shapes stay as its clients know them.

Today's client uses some of them, too: to get a bucket, to buy one, and to ask about the chain.
"""

from __future__ import annotations

from causeway.legacy import about, chain, hosting, nonce, payments, query, values

VIEWS = (about.views, nonce.views, values.views, hosting.views, payments.views, query.views, chain.views)
