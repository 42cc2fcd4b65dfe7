"""One signed text of each type, typed here: whoever changes the format by accident, or a label, hears of it.

If a change is meant, it is a new format with a new `Format:` line: texts like these are in the world already.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rein.btc.keys import PrivateKey
from rein.btc.networks import Network
from rein.protocol import fields
from rein.protocol.documents import TYPES, Role
from rein.protocol.signed import sign, verify

ENROLLMENT = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein User Enrollment
Format: 3
Network: regtest
User: Alice
Contact: alice@example.com
Master signing address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Secure Identity Number: TeyLzKC7KCyR3W7seyhfA6ATPZQaMVL8nhL
Delegate signing address: mk6PT1EnqLSJtnVAkZ4PxiiPagzGPXtQoK
Willing to mediate: True
Mediator public key: 034277add2e98cd439d1dfe4a4e442598b0d2fdc004749dc94d261470e4300c424
Mediator fee: 1.5%
Mediator escrow extended key: tpubDB9imUNmWmpqRtic2U6q947MxBaavwxdAgLbAS9Rrv2fSUY7o5EM8MELtMavLxR2PHSB7RcakRUA\
NL3c8JUhkC11TxKzcB7hqCiZXE55Lsj
Mediator escrow extended key signature: IKDwWKGK8puqoii6hewoeMIvK4eKxDQkJsWWhUY4R70qP8nfNlgbbCnPrWL5g8SJ5X8Bbq\
Mq53QA7kvIogCgHU0=
Mediator payment address: bcrt1q0xcvf04ap7v02sauhamjjhuec6xqmecmg2ags2
Block hash: abdc50ae534b6ce15896f386850b370a5e17d57491a69898e125b9a0f784a06d
Block height: 90
-----BEGIN SIGNATURE-----
mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
H+tjy0mblx2TamAYadclhb/+a/Pf0/FaWjMJKRnm/8ObflwYQM5ymNdL1DaGTzIquql7pywPIjg9mspWzHqglLo=
-----END BITCOIN SIGNED MESSAGE-----"""

JOB = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Job
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Tags: javascript, web
Description: \\sIt says:\\n\\t"Hello World!" \\\\o/\\n\\-\\-\\-\\-\\-BEGIN BITCOIN SIGNED MESSAGE\\-\\-\\-\\-\
\\-\\u{2028} café\\s
Time: 1790000000
Expiration (days): 14
Mediator: Alice
Mediator contact: alice@example.com
Mediator fee: 1.5%
Mediator payment address: bcrt1q0xcvf04ap7v02sauhamjjhuec6xqmecmg2ags2
Mediator master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Mediator enrollment: 31342aa4282a03a474c90ca627b1ef0fb69471ffac66602d1d78ab6793ba0148
Job creator: Bob
Job creator contact: bob@example.com
Job creator public key: 03f0d7b4bb08158db157eb7aca36b89be571f9a60cbed1569dab6e5014e24321d8
Job creator payment address: bcrt1q40xegxr707mdtzdwpjm4rdzcpqnhh2k4ml4269
Job creator delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Job creator master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Block hash: 29c6cf7c6224e18387a54e46051bfc51fa6a61aa59bdc3dbb4117dd6c8335454
Block height: 100
Escrow key signature: H5HqaH2cdk0OirwgZRQdKBDMzwTzihIPfKNekRf4WWbGH6B19WS/PBq/z5FXJg/VcQhc3oDf5GdNVXOf0xB6gGc=
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
IKjSZX/Gjsq5b9zzW7WGezymeEP7Eqg2zY+xKjF52d2EJ7XtERGFHToj0TFr74NALmrSHUqMivlcJxKdAmX6O2s=
-----END BITCOIN SIGNED MESSAGE-----"""

BID = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Bid
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Worker: Charlie
Worker contact: charlie@example.com
Worker delegate address: mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
Worker master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Description: I can have this done within 3 days of your offer.
Bid amount (BTC): 0.05000000
Primary escrow address: bcrt1qztguu33h0xkkq9swa5swl3tfwtkvgn32zjcr9u2qnspwc75dmlcqlr5ue9
Mediator escrow address: bcrt1qp5ucace2ugvxcet5fz49nylvg65d7002hpd3cwaps2mjwcxcz9vszlh3nk
Job creator public key: 03f0d7b4bb08158db157eb7aca36b89be571f9a60cbed1569dab6e5014e24321d8
Mediator public key: 03728f7c0d8f694e28dcbf412ed7d5c78c675eedb08ea85527f26387f9a2d85316
Worker public key: 02516c35d7db7bd3d300a795a02033cfc1d008d8305cbe6951e96c3bcc78a74d88
Worker payment address: bcrt1qtrnnq948q5thqplla4qjehlv96upjf6ampleyw
Previous document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Block hash: 0f004ecc66c1c445b74d3282de3244d8e0e480f8f31b37e41f01ba9a48af7aaf
Block height: 101
Escrow key signature: H+cjiFSaAXbDHHFETfKtPkttCoc2qb204BSSGn0a1iARagYDAI+gNH8VVaOg1eEyZOBB9I88S23shhjJ7MvkBcc=
-----BEGIN SIGNATURE-----
mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
IAjkuuOK9qAlm/IA+GwDV+xGBZjHBkFx6zndQJCd8ZkTagadKmES98SXF3LEJ0NjhFd/LaPq3uwqjsybwbESMuU=
-----END BITCOIN SIGNED MESSAGE-----"""

OFFER = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Offer
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Worker: Charlie
Worker master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Bid amount (BTC): 0.05000000
Primary escrow amount (BTC): 0.05001000
Mediator escrow amount (BTC): 0.00076000
Primary escrow address: bcrt1qztguu33h0xkkq9swa5swl3tfwtkvgn32zjcr9u2qnspwc75dmlcqlr5ue9
Mediator escrow address: bcrt1qp5ucace2ugvxcet5fz49nylvg65d7002hpd3cwaps2mjwcxcz9vszlh3nk
Job creator public key: 03f0d7b4bb08158db157eb7aca36b89be571f9a60cbed1569dab6e5014e24321d8
Mediator public key: 03728f7c0d8f694e28dcbf412ed7d5c78c675eedb08ea85527f26387f9a2d85316
Worker public key: 02516c35d7db7bd3d300a795a02033cfc1d008d8305cbe6951e96c3bcc78a74d88
Job creator delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Job creator master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Previous document: f26f80e31ce57529b14140f3d1ed3e44a07afa62fb66c881dd700e585f4058c2
Block hash: 2ad8bc98475f30589928fde0127329cac19f51b2d17eccf3fe1a696d67921107
Block height: 102
Escrow key signature: IPePSTIKuDuODYYS99HikRuLd6auYgURdeBrpDdwqx4zdxPsCmoH2CRnC5q4xCjcGUy5J3mE12+m1YiKhpjzn5g=
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
IDLk37M1rIvKdQ0gZIwb/63AJ16PRfpUQSwJdRUawjJcK9xkLlJXLbRFn2Ysp78t5Ek++rct0yyQlT+pEN2ufBQ=
-----END BITCOIN SIGNED MESSAGE-----"""

DELIVERY = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Delivery
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Deliverables: https://example.com/widget.js
Worker delegate address: mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
Worker master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Previous document: de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4
Block hash: 81ee9cf99373d7121a86a19a06c5274a25e21935e42dcba3d3a01d747595f5aa
Block height: 103
Escrow key signature: IIq5qriWQprNasfRLvmW/0eS1eZfCYVl8+60k/0w9/4qVbmLQCG7bJQPlTcDDISyNfzkB6C0vDmvpVV63k3eAR8=
-----BEGIN SIGNATURE-----
mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
H+PaqNUiuWvtDJHTzDFooXHbYodxqzo6aDMzUtz6K0NCaMSXzydriFkWaigPFFpH6GdDJoNdEptaIq0rp5AHm50=
-----END BITCOIN SIGNED MESSAGE-----"""

ACCEPT = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Accept Delivery
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Job creator delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Job creator master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Previous document: 5797f1515031b0a01cd1795f51db57254421f002ca6fbfe9e5fa74b3df1ab415
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
Escrow key signature: H3SQw/Ig6EEZtk2I2wQ1Xlnby4A9jo7mS+KQlODOYhaoZIU6JzEWs1Eca6hkG6rqi709OS9yTteoNvj28qGS1b0=
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
IL9QlKOQL5zLkGGVQIJjGsGx3C/KGajm6mmVZm7x+MduRwSRhBvHtNXO2hDzYZ+9kbgNhdN8It9b3cARncsDUvk=
-----END BITCOIN SIGNED MESSAGE-----"""

SETTLEMENT = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Settlement
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: worker
Delegate address: mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Worker amount (BTC): 0.03000000
Job creator amount (BTC): 0.01500000
Terms: Half now,\\nthe rest never.
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
Escrow key signature: IKAIBUAl5tqxkXWuJrncqzoTQn9PoVCl9Vz6bfxuhm9QIoyupx0WY5uScqdiI1nIhD6PD+bSNC7Mqy2tgKZd6Uk=
-----BEGIN SIGNATURE-----
mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
IAxH0vyiALauEg8ruYDs3Z14CNhEaW7HQy6vkH/5FYkjXDTxJFWQBxSMkOcQCGnmvGFUvVc0Q0C/eNgbAsDv+i8=
-----END BITCOIN SIGNED MESSAGE-----"""

RATING = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Rating
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: creator
Delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Rated role: worker
Rated master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Rating: 4
Comment: Good,\\nbut late.
Previous document: de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4
Block hash: e6c93d1a4dddf38ee3b920b69943ea14bb66ec12bc7bd052b55ea38a3482839a
Block height: 108
Escrow key signature: IBIxWaeQ8UzoD8+j8T25V9vxurYmxK2yjVcw4SfTbkLJMF2UER920U06Ro0yBJPZuHGGgUc1Y8C5KsmcVGqgkmI=
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
IANiVwh8l+71Sde4Wdngp6FHCPJiHMqrF4DcbqCvrM72GSdhYRxmKGh7nI+masf9mDLkPDTRrNCtbq1vSch2BsA=
-----END BITCOIN SIGNED MESSAGE-----"""

REFUND = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Refund
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: mediator
Delegate address: mk6PT1EnqLSJtnVAkZ4PxiiPagzGPXtQoK
Master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Reason: Nobody could begin.
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Previous document: de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
Escrow key signature: IPXWKO/OJQHfGK+n+N8CbSDYoLtwU7iIeQv1HI5x/8WEcHisiQtqnN2Kog74a8uifeMa8xA5H3I0Tw9QFLbgHrE=
-----BEGIN SIGNATURE-----
mk6PT1EnqLSJtnVAkZ4PxiiPagzGPXtQoK
H5Na0cASo999aI3F8CCRpQVUMq2vGQHgrj5LQeXwTpEoFoFOU+7YQqJ6fek5i8qaSLnqD4HWnUxgS+mgaSFT0Y4=
-----END BITCOIN SIGNED MESSAGE-----"""

DISPUTE_DELIVERY = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Dispute Delivery
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: creator
Delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Dispute detail: It says hello to nobody.
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 5797f1515031b0a01cd1795f51db57254421f002ca6fbfe9e5fa74b3df1ab415
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
Escrow key signature: H2eqhrZ3C6Wn5gEcsSzFImJCiNehKGBVfLJ2WeGgb3NCO0makQYpS0+h1LngVAdGrwsA/6TxBB9wEc/xWnhdNb4=
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
H4/XgVYgjoY/v0fY5nSK6DS2y4nAsyM3JfIF03l+3jTZfYatZDv+CA9Tg7fGB/ka9NmxQVvokY0PzT7vPTiToR0=
-----END BITCOIN SIGNED MESSAGE-----"""

DISPUTE_OFFER = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Dispute Offer
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: worker
Delegate address: mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Dispute detail: It says hello to everybody.
Previous document: de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4
Block hash: fc8deb876cfce604c9641b7cda0a9a7f5f7a897c60ef6de43117aa2795f5aa1a
Block height: 105
Escrow key signature: H9AhZOZGsT/a1yN3+5sm/l3/Us4rhzJ0YyQhp4nkedGOF8aBJcJp8EccwgVc/mDtEu9ziH7VDVGriJvAGBYFc6Y=
-----BEGIN SIGNATURE-----
mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
H9XsRxkCW8ukfuDNIXxpMCAAtJXtnv5r0O9LtoIwYWzxVfM1Xf9LzKnwqwxDWG1YgtER4Iar31c7see9oTTHgFQ=
-----END BITCOIN SIGNED MESSAGE-----"""

DISPUTE_RESOLUTION = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Dispute Resolution
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: mediator
Delegate address: mk6PT1EnqLSJtnVAkZ4PxiiPagzGPXtQoK
Master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Worker amount (BTC): 0.00000000
Job creator amount (BTC): 0.05000000
Resolution: It says hello to most.
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 838a5dff7ed832c951c2eeb769fb20bd7021902d6165f13e15c4a23e5111649f
Block hash: 86697b86eab77b152bcffb90145f32f7c0f931c3929be73c9ea59229b49074b2
Block height: 106
Escrow key signature: IKtxNtIvhM2XaTm5GwxYqHrnPiJ8MzaJKIKnp1RByyglJdTwCXNlHUS9MSlxL6KvauLakj3rsVN+7BEy0tbMdTs=
-----BEGIN SIGNATURE-----
mk6PT1EnqLSJtnVAkZ4PxiiPagzGPXtQoK
IADd0fQrlptW5iNt4SSw4zwjkHs71U9UPxOchMKQ3REhRBgWH+uiTZZRfFfW+aVvj4Os/NI9fPgmC7zW1HuVaR4=
-----END BITCOIN SIGNED MESSAGE-----"""

ACCEPT_RESOLUTION = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Accept Resolution
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: creator
Delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 1f6c9ed5e17d36a6357f1798810560011b5d695907cd0fbaead0fe5d451f1d66
Block hash: fc7cbec8b996232d07ae12c08d52572b5ed591f0adbf4146d91f1375e61862d7
Block height: 107
Escrow key signature: HyWG6f7WsKDlcaxM9ZoJzrSdlM9YYiGtpEckAHaajl7vMWwOdMqTDmXoIOBDack+RuKnXVCDD92CJY3oi63FFTI=
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
INbw8D7E8VxZLJ1S2cjcIAWYTnT39acA8o+pACx2zVF2GaFYPisOrI0V/z6IomLnBhsw+KsMKgRO6vdn44Z0IlQ=
-----END BITCOIN SIGNED MESSAGE-----"""

MESSAGE = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Message
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: worker
Delegate address: mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Receiver role: creator
Receiver master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Sender message key: 02fb821ecf584260beaadac7c8b2d1f3c31247bb9bcf171f4d118ace4e76163282
Receiver message key: 03af430d7b2223b7fe2b876c7232de824a55fe5092ff3a562c300bfe2f0164fb52
Sealed text: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g3qhSiN8KJedjh7Hpb6TdRKZCOQNLHUCNAV5NhrY08TZxKRUrQGmk3\
cRE34zYJrTdLSFX8olmBv9XaTUPcSMi1VAclOumVXpwD08ronO+p/1jRDqJTDntiGu/jqESamlbGdMPR/2QO6lMKgsqlXIxg+h0cygK8Gd4BJ+\
Rsm+AHdohCYOcCQa+8swbjoyLj9KYKlHm/G80YmVFai38hx4uv3G8Xzfr3ZnvNrrOUozY+mpQFkObhYVHsYlZ+9OQxTyHPO/18+aB3qc8X0FqU\
pT3incBw3nrZyJCNxZG+G5NqG89uP9n7SpAJtO7OCr4wXpSPgqJpChretl5jYtkJ1cIJeEFCiH4buL1ttl5WvEfvnTy980MFSldrXg92IqtjLQ\
qh2vMon3BAaTpNVdbnzY1
Previous document: de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4
Block hash: 81ee9cf99373d7121a86a19a06c5274a25e21935e42dcba3d3a01d747595f5aa
Block height: 103
-----BEGIN SIGNATURE-----
mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
IMno7r0ix2B+V+BoaZBsP1sBAkMF32bdk7B4VyIc92wuZq3ZXaFP2l4mfEWj5Xz02EQyqIgRRQzFALMjtnj9YLQ=
-----END BITCOIN SIGNED MESSAGE-----"""

SEALED_BID = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Sealed Bid
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: worker
Delegate address: mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Receiver role: creator
Receiver master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Sender message key: 02fb821ecf584260beaadac7c8b2d1f3c31247bb9bcf171f4d118ace4e76163282
Receiver message key: 03af430d7b2223b7fe2b876c7232de824a55fe5092ff3a562c300bfe2f0164fb52
Sealed text: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g3qhSiN8KJedjh7Hpb6TdRKZCOQNLHUCNAV5NhrY08Ug0ZVRqImXD9\
u8D9KuzbxkUyyFn2qjr6jt3JHBcImJlkH0xucaLXygVZiEL4BrarbsMNlfoOAPNu2Hx69VlBRswI/N9IprkXto4IEFF91Jf4oURSQhL0DQXYuv\
m0x3lPY1IbeT5fQz0na47x8ixr6DpHz/WiBUHFA4mUlTN8HoZ1wndVX2Ev7mLWdm7P+m2jlBwdHSq5+RxhLA4w7GgpA61DtuWltDku8EOPiJdM\
fDOvUQwph/cUUNzB3RynF5/ygoM2s4G2E91E+uDWR7B9kprBwDey1oAH6tDrcgMRiVkTIQPXU6KBYeHlroWNIV+3QDI165kdFsxxB19vfLM4cT\
1gsWdX8wHDADN1SIkzA7nI74xLIZGQVq+VhOCEZA/Kj3JKJTW/ZKwnDWaHv25LdJnmnTdR651tYzuJMRLAz80Erw/huHBEFrCtZ27BcLWClFjj\
cEEQ3DXO7PzB0oSYD1qdi1l8ApvoYO/LFLfpUH4U+n5BO+T7cPXqBWZ1iSRqeTnH4rcyPYIPTdpbZO6yhFL300pWyMtmE4jd2wmSQDxjPF85Qa\
GQs+3oOpzGF+S5slcgXGKb3SFCEvwAC1Foj4CpcW5thUbqdnYjB+a3kdKADbihicHYz2sXDKqfyh5bkATQV/uSaWRRk7J+eJHjCGHuyu9YDq9Z\
l5ozbTLx1kOJkrHzacSTRLh58wkexNQarbWwZGF2xD6J8yM99AvUF49fFloqyUhTk2hM02KznX4XSwlYL8zWahClmW5+b1pyzolkFBS6RX1Whe\
sHhfJnZMUDpEi92A03Pyck20/mNvwtqL0WUz2abqGxTmMrziv80GB7k2Z/l+2o5YQ2H4AjyNPeaP7vVF6mvK8IxqSvGt+/z+/Uc/wSeCGQutOM\
FDXyFm5T8Q7ROBD3jMIwlJljpfpdoZKx0hJRCp/dNDRN51mc6wiX3+fLsO/Fb8fNuwe55lhjVAvB7UyQQDc0bk6/KIp100EMkfS19ua8alKZzn\
43H34x5/h3Wb8CX64+UrNSreaN3XsppWHh1s4RiIGLNJJNIIh3QAeIVpIMJU2sqO/W+PSaODeDAar1xtoXTZMRSLhK7Cvc6pkV98ieDJNEe7Tp\
XGwZT4wfRdrf+36PAWFpVinCaMJ8aPoKfWK8PdB6MbUrCzNpgfT6FvME69n8oPZHrPKCSTNtySUVNwstsrhez7gpZ/QV7hq0xExQx3waNcUYnh\
StlXAvmpVnqvQwID/xf30/Eyl5+IaUmK2YiGC3+iBsZRv02s+oMO2x+C3pynAZNjAvcQ8g4BG0LGRMUe3pvgl03u2CJtlBeT/5pGoL1hmz27eI\
TRyKXIoApUwyzrgi7z8GY6D1hPMg9nq8+dvl4VwUWrGM0LOfQLvZO/Hr5DItDChNz7BBJEWgc3f3LOwLLUFLME+/f2WWmbrkX4FZ9bev6ZGULD\
t7tlPFJvt+dZSrGahGyx0lPYYRMpBTYM94+iZxtk/T1pT+jE3BpRMneO0gS+K88uCH24a44t9v/CHF1ZAGInIoJelfgcDsyZclCPf/3ZOI0Gd9\
zhvYWCiNsqp5kFdRoqUuPwb9R5Ji6RBZHiUqxk/IOsz3xLeMo5bWnw/F79KypSrdqwcbGhK01XpPaGGbW7y7QFJyvjUJFFODgOC2ywxSB9HMHv\
hgl7G0ENqUMB+gHm5KQLDGvA38f3eWweIUX8i1JmxB6ZDzZfCdFD8B2drJrYoLF905B5WbEourwsEQ0udaatry4ByFjHxNEqkPNPrGPiSd9ljZ\
yeMIftJ+hebPerg6uHQljyxP21Iq0HxBsfDca4kQY2l4IbUMTZxSAJ0B66rt+nc2t4/CVVsffj+xXzu1RF5ciqBAebPeTz5+y/N1gj39tX+2JO\
5PJXwjP6proehV5Z8hUgtEJJaX1ZSPCMiPx/IZey33okZrWKTAOLQ/zmc1B41X2OQ16DaOt5Tn6OkPEAoHdp5s15qP+7g/M1LuuyFoqeq91w4w\
XmszTTXZCbJ1hj2E82kx1qyIzADHvAJWQY2bTDVIWVpGWH3VoCllr4A9xM9vxmDWZuEl4eaHAMPU5c=
Bid document: f26f80e31ce57529b14140f3d1ed3e44a07afa62fb66c881dd700e585f4058c2
Previous document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Block hash: 0f004ecc66c1c445b74d3282de3244d8e0e480f8f31b37e41f01ba9a48af7aaf
Block height: 101
-----BEGIN SIGNATURE-----
mqZMmusgUVmBuDjVWGS3SLoo4PDgLX1sXk
H8LIwrIRR/7EZcGfNVhYyEiSFpsPi6j4PWoFTfczqoIta+KvlIYti8jkfrVHXJPbflOo2YjDNY11lUSLBnrBZAY=
-----END BITCOIN SIGNED MESSAGE-----"""

DISCLOSURE = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Disclosure
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099
Role: creator
Delegate address: my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Receiver role: mediator
Receiver master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Sender message key: 03af430d7b2223b7fe2b876c7232de824a55fe5092ff3a562c300bfe2f0164fb52
Receiver message key: 035da89c43fc2437e1c7672cce827f5e7cf3ca99e30747a158004c52326fbf487a
Sealed text: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9xjAp3M9VI1jHR+c6thNN8iPKV6+Vh68TmAvL1io60nyuv1NLRa9kKe\
+3FSBntsh8WBrbKF/48hFz1I10gJ3lrtXz1kfqhMVSCIPadSoTT7FTi5NOtQJGSKPkms+OsDs4e8ZZHw/y6UZZLAb7Y39NYQOikzwRiwt7CsnD\
ihcMlFucG/rT6vzcRs+dKRAQx9zhMjiBkuNC4QqF0HQMasgv07REthJZFO9h/H1wYJcHevoJR4e/Fc3+X5DYt57RShCFu5xdeKNpynatGm04y1\
MHPY/toJBkJN1IkFpTTGV61I0BZlyQjERBGIaqpSzN5vuvWmIN8lZmJnlomdWUi3cmqHNj4GoibrrO+tOAvN08k6DKjjI7xBaWQ6fGU3e3oVbl\
gEIdMVJ7Hl4lfVNLChhCB
Other party master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Other party message key: 02fb821ecf584260beaadac7c8b2d1f3c31247bb9bcf171f4d118ace4e76163282
Previous document: 376931d84b7c651eaf696b504320b0f0122e41a48c7e6302d18526d8547b8f6c
Block hash: fc8deb876cfce604c9641b7cda0a9a7f5f7a897c60ef6de43117aa2795f5aa1a
Block height: 105
-----BEGIN SIGNATURE-----
my5fqM898UdVYDiH4NRn79yQaa2EakHFWj
IGmnF5NHEFLhyytw4u+VX5SwZvKJ2o9P5v8KUCdrYpNdKnK++ZEqDoOIJ9ft9kiHgPibs9yb3DSZgLT+UR5U/d0=
-----END BITCOIN SIGNED MESSAGE-----"""

ALICE_MASTER = "fe174a78ee0a0741e1e403968a114865584baa6cb3e7aab074dcd7c3907d7909"
ALICE_DELEGATE = "19381b68f3a615253add87bc39e74fd754778edcee07f8d846cab089e2205f94"
BOB_DELEGATE = "a5aea9d9f33bcc0c9117a5715dd17549b144b799706e2dcefe7280499fd69697"
CHARLIE_DELEGATE = "fd00264aa19e97784cfeac9752500a5d83ca309f709610153df58559405510bc"
BOB_ESCROW = "72cd40495de9f1681a1693146b20380696208024e1c080410eea59c87954aae2"
CHARLIE_ESCROW = "42d0a82fab2107acebec8edefdba568b4a95a12698bfa4432231c7d7550a280d"
ALICE_ESCROW = "53a057dd2b67a1e06445833eb52506c511b01ea086fdea6a2d8c87c5045dff6b"

GOLDEN: dict[str, tuple[str, str, str | None, str]] = {
    "Enrollment": (ENROLLMENT, ALICE_MASTER, None, "31342aa4282a03a474c90ca627b1ef0fb69471ffac66602d1d78ab6793ba0148"),
    "Job": (JOB, BOB_DELEGATE, BOB_ESCROW, "b71ba659a8b0a2224ce6eef2ac7cd9731ef76a10b4d02be1b1a5e5588a497099"),
    "Bid": (BID, CHARLIE_DELEGATE, CHARLIE_ESCROW, "f26f80e31ce57529b14140f3d1ed3e44a07afa62fb66c881dd700e585f4058c2"),
    "Offer": (OFFER, BOB_DELEGATE, BOB_ESCROW, "de3527375f3f0e5cd0128094bc54e6f0a74be53dbe5a859563a5b4c1b2027df4"),
    "Delivery": (
        DELIVERY,
        CHARLIE_DELEGATE,
        CHARLIE_ESCROW,
        "5797f1515031b0a01cd1795f51db57254421f002ca6fbfe9e5fa74b3df1ab415",
    ),
    "AcceptDelivery": (
        ACCEPT,
        BOB_DELEGATE,
        BOB_ESCROW,
        "f31ed1cd846190b68c6a83541b552f9985897df12755432a68cf237419c457b4",
    ),
    "Settlement": (
        SETTLEMENT,
        CHARLIE_DELEGATE,
        CHARLIE_ESCROW,
        "70de0634a0457f6e57acc93ae5cc798c973e8d7bde159fce8dd925a9388c605c",
    ),
    "Refund": (
        REFUND,
        ALICE_DELEGATE,
        ALICE_ESCROW,
        "1a05dac566df50923445b7c65d9995fb981d8d87525ab283c5b0872a03fef3a0",
    ),
    "DisputeDelivery": (
        DISPUTE_DELIVERY,
        BOB_DELEGATE,
        BOB_ESCROW,
        "838a5dff7ed832c951c2eeb769fb20bd7021902d6165f13e15c4a23e5111649f",
    ),
    "DisputeOffer": (
        DISPUTE_OFFER,
        CHARLIE_DELEGATE,
        CHARLIE_ESCROW,
        "bd33969810f48ab54fa5bd3158c348acbe008902433d33e8af8aeb28f1ee4dd5",
    ),
    "DisputeResolution": (
        DISPUTE_RESOLUTION,
        ALICE_DELEGATE,
        ALICE_ESCROW,
        "1f6c9ed5e17d36a6357f1798810560011b5d695907cd0fbaead0fe5d451f1d66",
    ),
    "AcceptResolution": (
        ACCEPT_RESOLUTION,
        BOB_DELEGATE,
        BOB_ESCROW,
        "29a2e9566c2d2dfa9b0698ecee59ab43576d637017e86dd4c0ce50ce75e49b2d",
    ),
    "Message": (MESSAGE, CHARLIE_DELEGATE, None, "376931d84b7c651eaf696b504320b0f0122e41a48c7e6302d18526d8547b8f6c"),
    "SealedBid": (
        SEALED_BID,
        CHARLIE_DELEGATE,
        None,
        "2b1ccd8744d0fe66fd7e73f1eb29d0996580c2d0197d457420462842eddaa976",
    ),
    "Disclosure": (DISCLOSURE, BOB_DELEGATE, None, "e4ac5e96ac61496a4145292e3ddddd6b1af25b4d01ce344712d0d25d25cc2095"),
    "Rating": (RATING, BOB_DELEGATE, BOB_ESCROW, "3d2ffbff3bd99657ece02d7af827ee3d1480e03c9644baf0b8d6e5c9d9486ddd"),
}
"""Each with the secret of the key that signs it, that of its author's escrow key if it needs one, and its id."""

ANSWERS = {
    "Bid": "Job",
    "Offer": "Bid",
    "Delivery": "Offer",
    "AcceptDelivery": "Delivery",
    "Settlement": "Offer",
    "Refund": "Offer",
    "DisputeDelivery": "Delivery",
    "DisputeOffer": "Offer",
    "DisputeResolution": "DisputeDelivery",
    "AcceptResolution": "DisputeResolution",
    "Message": "Offer",
    "SealedBid": "Job",
    "Disclosure": "Message",
    "Rating": "Offer",
}

_ORDER = {
    "network": "Network",
    "job_name": "Job name",
    "job_id": "Job ID",
    "job_document": "Job document",
    "previous": "Previous document",
    "block_hash": "Block hash",
    "block_height": "Block height",
}
_SIGNED = {"escrow_signature": "Escrow key signature"}
_CREATOR = {
    "creator_delegate_address": "Job creator delegate address",
    "creator_master_address": "Job creator master address",
}
_WORKER = {"worker_delegate_address": "Worker delegate address", "worker_master_address": "Worker master address"}
_ESCROW = {
    "amount": "Bid amount (BTC)",
    "primary_address": "Primary escrow address",
    "mediator_address": "Mediator escrow address",
    "creator_public_key": "Job creator public key",
    "mediator_public_key": "Mediator public key",
    "worker_public_key": "Worker public key",
}

_PARTY = {
    **_ORDER,
    "role": "Role",
    "delegate_address": "Delegate address",
    "master_address": "Master address",
}
_AWARD = {"worker_amount": "Worker amount (BTC)", "creator_amount": "Job creator amount (BTC)"}
_PAYMENTS = {"primary_psbt": "Primary payment PSBT", "mediator_psbt": "Mediator payment PSBT"}
_DISPUTE = {**_PARTY, **_SIGNED, "detail": "Dispute detail", "mediator_psbt": "Mediator payment PSBT"}
_SEALED = {
    **_PARTY,
    "to_role": "Receiver role",
    "to_address": "Receiver master address",
    "from_key": "Sender message key",
    "to_key": "Receiver message key",
    "sealed": "Sealed text",
}

LABELS: dict[str, dict[str, str]] = {
    "Enrollment": {
        "network": "Network",
        "user": "User",
        "contact": "Contact",
        "master_address": "Master signing address",
        "sin": "Secure Identity Number",
        "delegate_address": "Delegate signing address",
        "willing_to_mediate": "Willing to mediate",
        "mediator_public_key": "Mediator public key",
        "mediator_fee": "Mediator fee",
        "mediator_escrow_xpub": "Mediator escrow extended key",
        "mediator_escrow_signature": "Mediator escrow extended key signature",
        "mediator_payment_address": "Mediator payment address",
        "mediator_message_xpub": "Mediator message extended key",
        "revoked": "Revoked delegate addresses",
        "recovery_address": "Recovery address",
        "replaces": "Replaces identity",
        "recovery_signature": "Recovery signature",
        "previous": "Previous document",
        "block_hash": "Block hash",
        "block_height": "Block height",
    },
    "Job": {
        **_SIGNED,
        "network": "Network",
        "name": "Job name",
        "job_id": "Job ID",
        "tags": "Tags",
        "description": "Description",
        "time": "Time",
        "expiration_days": "Expiration (days)",
        "budget": "Budget (BTC)",
        "deadline": "Deadline",
        "mediator": "Mediator",
        "mediator_contact": "Mediator contact",
        "mediator_fee": "Mediator fee",
        "mediator_payment_address": "Mediator payment address",
        "mediator_master_address": "Mediator master address",
        "mediator_enrollment": "Mediator enrollment",
        "creator": "Job creator",
        "creator_contact": "Job creator contact",
        "creator_public_key": "Job creator public key",
        "creator_payment_address": "Job creator payment address",
        "creator_message_key": "Job creator message key",
        **_CREATOR,
        "previous": "Previous document",
        "block_hash": "Block hash",
        "block_height": "Block height",
    },
    "Bid": {
        **_ORDER,
        **_SIGNED,
        "worker": "Worker",
        "worker_contact": "Worker contact",
        **_WORKER,
        "description": "Description",
        **_ESCROW,
        "worker_payment_address": "Worker payment address",
        "worker_message_key": "Worker message key",
    },
    "Offer": {
        **_ORDER,
        **_SIGNED,
        "worker": "Worker",
        "worker_master_address": "Worker master address",
        "primary_amount": "Primary escrow amount (BTC)",
        "mediator_amount": "Mediator escrow amount (BTC)",
        **_ESCROW,
        **_CREATOR,
    },
    "Delivery": {**_ORDER, **_SIGNED, "deliverables": "Deliverables", **_WORKER},
    "AcceptDelivery": {**_ORDER, **_SIGNED, **_PAYMENTS, **_CREATOR},
    "Settlement": {**_PARTY, **_SIGNED, **_AWARD, "terms": "Terms", **_PAYMENTS},
    "Refund": {**_PARTY, **_SIGNED, "reason": "Reason", **_PAYMENTS},
    "DisputeDelivery": _DISPUTE,
    "DisputeOffer": _DISPUTE,
    "DisputeResolution": {**_PARTY, **_SIGNED, **_AWARD, "resolution": "Resolution", **_PAYMENTS},
    "AcceptResolution": {**_PARTY, **_SIGNED, **_PAYMENTS},
    "Message": _SEALED,
    "SealedBid": {**_SEALED, "bid": "Bid document"},
    "Disclosure": {
        **_SEALED,
        "other_address": "Other party master address",
        "other_key": "Other party message key",
    },
    "Rating": {
        **_PARTY,
        **_SIGNED,
        "rated_role": "Rated role",
        "rated_master_address": "Rated master address",
        "rating": "Rating",
        "comment": "Comment",
    },
}

DESCRIPTION = ' It says:\n\t"Hello World!" \\o/\n-----BEGIN BITCOIN SIGNED MESSAGE-----\u2028 café '


TERMS = "Half now,\nthe rest never."
LEFT_OUT = {
    ("Enrollment", "previous"),
    ("Enrollment", "mediator_message_xpub"),
    ("Enrollment", "revoked"),
    ("Enrollment", "recovery_address"),
    ("Enrollment", "replaces"),
    ("Enrollment", "recovery_signature"),
    ("Job", "previous"),
    ("Job", "budget"),
    ("Job", "deadline"),
    ("Job", "creator_message_key"),
    ("Bid", "worker_message_key"),
    ("Refund", "mediator_psbt"),
    ("DisputeOffer", "mediator_psbt"),
}


def spelled(label: str, value: Any) -> str:
    """A value as it stands in a document, worked out here on its own."""
    match value:
        case bytes():
            return value.hex()
        case Network():
            return value.name
        case Role():
            return value.value
        case tuple():
            return ", ".join(value)
        case int() if label.endswith("(BTC)"):
            return f"{Decimal(value).scaleb(-8):.8f}"
        case int() if label == "Mediator fee":
            return f"{Decimal(value).scaleb(-2).normalize()}%"
        case _:
            return str(value)


def test_every_type_has_a_golden_text() -> None:
    assert set(GOLDEN) == set(LABELS) == {cls.__name__ for cls in TYPES}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_text_verifies_and_is_written_again_to_the_letter(name: str) -> None:
    armored, secret, escrow_secret, document_id = GOLDEN[name]
    signed = verify(armored)
    assert type(signed.document).__name__ == name
    assert signed.id == document_id
    escrow_key = None if escrow_secret is None else PrivateKey(bytes.fromhex(escrow_secret))
    assert sign(signed.document, PrivateKey(bytes.fromhex(secret)), escrow_key).armored == armored


@pytest.mark.parametrize("name", GOLDEN)
def test_every_label_stands_for_its_attribute(name: str) -> None:
    signed = verify(GOLDEN[name][0])
    cls = type(signed.document)
    assert {each.attribute: each.label for each in fields.lines_of(cls)} == LABELS[name]
    rows = dict(row.split(": ", 1) for row in signed.text.split("\n")[1:])
    assert rows.pop("Format") == "3"
    for attribute, label in LABELS[name].items():
        value = getattr(signed.document, attribute)
        if value is None:
            assert (name, attribute) in LEFT_OUT
            assert label not in rows
        elif attribute == "description" and name == "Job":
            assert value == DESCRIPTION
        elif attribute == "terms":
            assert value == TERMS
        elif attribute == "comment":
            assert value == "Good,\nbut late."
        else:
            assert rows[label] == spelled(label, value)


def test_every_document_answers_another_of_the_same_job() -> None:
    assert set(ANSWERS) == set(GOLDEN) - {"Enrollment", "Job"}
    story = {name: verify(armored) for name, (armored, *_) in GOLDEN.items()}
    for name, answered in ANSWERS.items():
        assert story[name].document.previous == story[answered].id
        assert story[name].document.job_document == story["Job"].id
