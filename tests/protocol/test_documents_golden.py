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
Delegate signing address: mvwpWr26sDTi15zhE8emnECFHruJSr2kAV
Willing to mediate: True
Mediator public key: 03271a3637f654b6c5a28a290edb7251d8db2f4c431347d077c4456655a249d415
Mediator fee: 1.5%
Mediator escrow extended key: \
tpubDB9imUNmWmpqRtic2U6q947MxBaavwxdAgLbAS9Rrv2fSUY7o5EM8MELtMavLxR2PHSB7RcakRUANL3c8JUhkC11TxKzcB7hqCiZXE55Lsj
Mediator payment extended key: \
tpubDB9imUNmWmpqV564iNWB1VnD8Gx9FRxxcgNPWydY1njirQYC8jv7J1dG1TMmskmFfhbDsphHNcVSmJikj2eE8TKbpzhmk9oFeASTYjRkoW1
Block hash: abdc50ae534b6ce15896f386850b370a5e17d57491a69898e125b9a0f784a06d
Block height: 90
-----BEGIN SIGNATURE-----
mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
H1THrIdQTenxd99046LW2JhDkBybIGW8/j5vs5/7f8ose5BiLWmjgNoVyBEoFF4SN3zM+pdI3JqmLCumT0u2zdk=
-----END BITCOIN SIGNED MESSAGE-----"""

JOB = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Job
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Tags: javascript, web
Description: \\sIt says:\\n\\t"Hello World!" \\\\o/\\n\\-\\-\\-\\-\\-BEGIN BITCOIN SIGNED \
MESSAGE\\-\\-\\-\\-\\-\\u{2028} café\\s
Time: 1790000000
Expiration (days): 14
Mediator: Alice
Mediator contact: alice@example.com
Mediator fee: 1.5%
Mediator public key: 02091f9985aebb325c2ffd02de179735979d27a4367aef1fdc21bcaecf17e86735
Mediator payment address: bcrt1qt6uasygxguahl0te4fhpfq7qffy757htlthvkm
Mediator master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Mediator enrollment: 0f3263c83502e95722b4efc1d29eb788ca4ca1101c3af8a0f3a3a10fa1efa76b
Job creator: Bob
Job creator contact: bob@example.com
Job creator public key: 027263e163dab061979272e6b90a9780ddc13126017a734d789623fd99220986d1
Job creator payment address: bcrt1q2xq68c3w42sztwrq00jnqcmatkm7wy90vag7lj
Job creator delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Job creator master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Block hash: 29c6cf7c6224e18387a54e46051bfc51fa6a61aa59bdc3dbb4117dd6c8335454
Block height: 100
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
IMQ40nqSy+y1/pnIOnlzyaLS++Qh6CDNNxwlVGGp+VoTOxGg5wVdotvCOs7KptNN/od76gsBWo5YZAbg7TulwjE=
-----END BITCOIN SIGNED MESSAGE-----"""

BID = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Bid
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Worker: Charlie
Worker contact: charlie@example.com
Worker delegate address: mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
Worker master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Description: I can have this done within 3 days of your offer.
Bid amount (BTC): 0.05000000
Primary escrow address: bcrt1q0euydzyv8qslmg5vuht2lza30r3s7w8fjtmsm5uusfvfuhacuqysqk948c
Mediator escrow address: bcrt1qn3cwwt3agx4exnl5amz9xpekmrpyqlys96r4gtrvtktjrhr8klrsznwxvh
Job creator public key: 027263e163dab061979272e6b90a9780ddc13126017a734d789623fd99220986d1
Mediator public key: 02091f9985aebb325c2ffd02de179735979d27a4367aef1fdc21bcaecf17e86735
Worker public key: 02acc2eacdedf34ababc5c478edb9f83331544e63c7e0248294810c9016aa093ed
Worker payment address: bcrt1qv6wcf92lvtatlr3hq0j8p4hxe6tjxsephqqudf
Previous document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Block hash: 0f004ecc66c1c445b74d3282de3244d8e0e480f8f31b37e41f01ba9a48af7aaf
Block height: 101
-----BEGIN SIGNATURE-----
mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
H7sGgvxe/YIaX8IWKs9fYBypXpNSMCvMvqZsRWt+T8N2fo95qf2G1sWM9VfTfio5F6FMD2OXvgqBKgs9crzGRz8=
-----END BITCOIN SIGNED MESSAGE-----"""

OFFER = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Offer
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Worker: Charlie
Worker master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Bid amount (BTC): 0.05000000
Primary escrow amount (BTC): 0.05001000
Mediator escrow amount (BTC): 0.00076000
Primary escrow address: bcrt1q0euydzyv8qslmg5vuht2lza30r3s7w8fjtmsm5uusfvfuhacuqysqk948c
Mediator escrow address: bcrt1qn3cwwt3agx4exnl5amz9xpekmrpyqlys96r4gtrvtktjrhr8klrsznwxvh
Job creator public key: 027263e163dab061979272e6b90a9780ddc13126017a734d789623fd99220986d1
Mediator public key: 02091f9985aebb325c2ffd02de179735979d27a4367aef1fdc21bcaecf17e86735
Worker public key: 02acc2eacdedf34ababc5c478edb9f83331544e63c7e0248294810c9016aa093ed
Job creator delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Job creator master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Previous document: e54463b0a8648a7b3e2a5296e8e13b62144bb14b099b376441f5b94de9c50f52
Block hash: 2ad8bc98475f30589928fde0127329cac19f51b2d17eccf3fe1a696d67921107
Block height: 102
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
H7B4nzdE/TB5yLe6VIdKfx5ZTFC0lICA3zBRYhR6vEmFTFR8bzMiGs2D2FvB98jxtSHiyJxAJKtkfuYO/ftSAjQ=
-----END BITCOIN SIGNED MESSAGE-----"""

DELIVERY = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Delivery
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Deliverables: https://example.com/widget.js
Worker delegate address: mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
Worker master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Previous document: 12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba
Block hash: 81ee9cf99373d7121a86a19a06c5274a25e21935e42dcba3d3a01d747595f5aa
Block height: 103
-----BEGIN SIGNATURE-----
mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
H/08KuzwqxV752gn7y/rPVKZIAf38oxsEWBd2xWi+ZmfSsQqB7zP0E/YM8qNW5giugCmTYOdYEdpig9YsWgQ5fk=
-----END BITCOIN SIGNED MESSAGE-----"""

ACCEPT = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Accept Delivery
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Job creator delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Job creator master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Previous document: 884eda92bc431330c928e770e0358d8de085c3c2ed4f6a707b17c79b1e014cf4
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
H/yo4LRwvp6HlUkt32uMFu/g96oJWUSR5T33rZBSDyhNcxImjDzk5m6nmq+wcvgO/TPAz+hkq+6JvVzGCyAXB70=
-----END BITCOIN SIGNED MESSAGE-----"""

SETTLEMENT = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Settlement
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: worker
Delegate address: mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Worker amount (BTC): 0.03000000
Job creator amount (BTC): 0.01500000
Terms: Half now,\\nthe rest never.
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
-----BEGIN SIGNATURE-----
mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
H2PESRRwXxE9pTN3lcTzGUKQcEbiSVvNBG/IOVQiEHVnTZXU+FJybhIuCqIU8tpdk6g8F+GHCIW35PrCMWYpJnc=
-----END BITCOIN SIGNED MESSAGE-----"""

RATING = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Rating
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: creator
Delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Rated role: worker
Rated master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Rating: 4
Comment: Good,\\nbut late.
Previous document: 12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba
Block hash: e6c93d1a4dddf38ee3b920b69943ea14bb66ec12bc7bd052b55ea38a3482839a
Block height: 108
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
IAYIODDV2jdYqWLoRNWGEwjHaA3Z4BHu+b0iA4E7I/JBaSBVgRaV4NPA2dp10rFofu0dZ2WKZhTgY8NlZzFUjO8=
-----END BITCOIN SIGNED MESSAGE-----"""

REFUND = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Refund
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: mediator
Delegate address: mvwpWr26sDTi15zhE8emnECFHruJSr2kAV
Master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Reason: Nobody could begin.
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Previous document: 12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
-----BEGIN SIGNATURE-----
mvwpWr26sDTi15zhE8emnECFHruJSr2kAV
H1wKh+0cPvmBOZsxnHwXHcwqEPiilRj47VLdQq26gE3VBc7lxB2guQCnWBCnWnz8l8zbdCA81oLDNoQrkgDoK0o=
-----END BITCOIN SIGNED MESSAGE-----"""

DISPUTE_DELIVERY = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Dispute Delivery
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: creator
Delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Dispute detail: It says hello to nobody.
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 884eda92bc431330c928e770e0358d8de085c3c2ed4f6a707b17c79b1e014cf4
Block hash: 2037eb4738f0e535ce38930ffd86bf63b4487bdf34da1811a0f02cc1e65e78b9
Block height: 104
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
IL2J3x+CSvSf6U4SZVK6L/RldbzATOTzIBe+hHPlLbhjcoFC0nDOiEaFmXI0XxaIT8tGKpim/cBKk8sl+q1vdcM=
-----END BITCOIN SIGNED MESSAGE-----"""

DISPUTE_OFFER = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Dispute Offer
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: worker
Delegate address: mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Dispute detail: It says hello to everybody.
Previous document: 12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba
Block hash: fc8deb876cfce604c9641b7cda0a9a7f5f7a897c60ef6de43117aa2795f5aa1a
Block height: 105
-----BEGIN SIGNATURE-----
mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
H+SKt5tzkuAaMQE4XlgkGFKrjghwU1RgPkkvgLjXeAYsMg08vIPIXm0bheHk+/bo5E4Vp05h8h4IgOYLUPLYsak=
-----END BITCOIN SIGNED MESSAGE-----"""

DISPUTE_RESOLUTION = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Dispute Resolution
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: mediator
Delegate address: mvwpWr26sDTi15zhE8emnECFHruJSr2kAV
Master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Worker amount (BTC): 0.00000000
Job creator amount (BTC): 0.05000000
Resolution: It says hello to most.
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 0858aba71da7e0a75d53e62952a30b3ae152d0feef12ba8b969d0f1eb5711018
Block hash: 86697b86eab77b152bcffb90145f32f7c0f931c3929be73c9ea59229b49074b2
Block height: 106
-----BEGIN SIGNATURE-----
mvwpWr26sDTi15zhE8emnECFHruJSr2kAV
IDPE2g5SsfTOqXUJgwMAR89yDNSVe9At52PfMqmvChAAAk9J6gNubHB2MrqLnQtBtJ5j3nTbkPUzGWo7mFZO6K8=
-----END BITCOIN SIGNED MESSAGE-----"""

ACCEPT_RESOLUTION = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Accept Resolution
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: creator
Delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Primary payment PSBT: cHNidP8gcGF5cyB0aGUgd29ya2Vy
Mediator payment PSBT: cHNidP8gcGF5cyB0aGUgbWVkaWF0b3I=
Previous document: 1434de23200f73f691ae4aecd9df2ce68b019db3eb46816ece4b79a0f7f39445
Block hash: fc7cbec8b996232d07ae12c08d52572b5ed591f0adbf4146d91f1375e61862d7
Block height: 107
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Hxr9KfWfd9HP2+Wh0fMCrZ3ZJOX7ux7vxNoFAOMzl/cUdWIJDj0ybp86jMbXRwVHgnUU+HVm2C+KWoXdyGTqegI=
-----END BITCOIN SIGNED MESSAGE-----"""

MESSAGE = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Message
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: worker
Delegate address: mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Receiver role: creator
Receiver master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Sender message key: 03ae881e3d21aa8266ce03ea55d40894c518fb00610c8e302a78b471371219680b
Receiver message key: 03eeb7c8ad15349f5aecf21e7a9ecc1e6aa8d3e8bc5617da6f2e5fb900f7834dc1
Sealed text: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+80cB5nesvpVhesgSn+gMRyiOFFlQDC1K/wj3hRjGG3cBs3kxZZFQEo\
9yCnnS9oFHYExuXB5ZzfZXdRfxZgmhF7nCxDL5JyUkeB/kysIMSwF+cf/+GhLXphB1OLfQlZmgKZcFbvzjeGw+J75Q3SkCnkuXGRJ2RbX+hByr\
+vjaPG2foj9Y2j6t2HIsixFsEbpIibkTPnRh27ZuztSIcFD/A7J8qM/IsJuAsMVyaB3Q3UQm05dEuw8WjB8WoNAj3mqbyr2c1I0GWUDPlqHL53\
k8dSrzTZZwamIxCOL6XMM/Rp5GlGEg6q8+wEfAz74s2pY0X5DBuBPiFoykgtra+GJiEoVu1LqxxoLVP4PGobYQLSWPSF5Co/2GG5Gwq4C+HRkP\
jlNut/j+woLIDJFqdOXti
Previous document: 12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba
Block hash: 81ee9cf99373d7121a86a19a06c5274a25e21935e42dcba3d3a01d747595f5aa
Block height: 103
-----BEGIN SIGNATURE-----
mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
IDdWrkk+w+xFYzR/MczuYZwTAHM9ehJTc2B2+//UQxOvOfwEsa3OkO2/V9sQrRzowL8dGCn4CxC0NlthhuMglgA=
-----END BITCOIN SIGNED MESSAGE-----"""

SEALED_BID = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Sealed Bid
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: worker
Delegate address: mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
Master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Receiver role: creator
Receiver master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Sender message key: 03ae881e3d21aa8266ce03ea55d40894c518fb00610c8e302a78b471371219680b
Receiver message key: 03eeb7c8ad15349f5aecf21e7a9ecc1e6aa8d3e8bc5617da6f2e5fb900f7834dc1
Sealed text: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+80cB5nesvpVhesgSn+gMRyiOFFlQDC1K/wj3hRjGG3b4pkg0YBlhjiPfFtVP\
W6fwR9RunL7f+kVH9CLkK0SkCq12cIZNkwxt7bpcS8up2yhnzDZLn8I/JthcASIBSCRphX+Ep2l+qfnz95d5YKGDJ84ijfr3QTSzOYV6J30TqOzCB67F\
T+6E8c+kCjR8+TuBTWyr/6WJFm/DQjVstY1v3hOdLObhDRMBIXj/vahFZJTOU0bAfovXGY/3LDTiSr5bHl1YBQnShZQXcy0vJv3wve4i1V6ktq7pwAYr\
0B67okPedfSxezanSJcBV27IFl+4k1zo5a4ruxlsalvXWeeroyD6/ecMDy9A9wJLHA/BqKhfoN/PAnhPqjQlqhVfmKzPj+XQVgi/K6dRyTSxRyVldu3Y\
OFq/bS/OG7DxrAMWTlIfo0j+UOao/kw5YH8pkgFKTM8c2IOMS7EdeEY77HRebv1CwDvM0oEBCy+ezEqCKLceOvjyFUHRb1P/FSCshg7DwCxRpc+pdpxH\
sL7wvrIqfHNv0AL1MqB0HGB1DsmjMxWToQSNFt1Tb75rNOGSSdyq92JJxe2AGcrJ4RdPZ/marTqtSQpLc8gDscz2eBwrPU/JHx3m+6DxqCwArLJ0fewG\
dyuT461jsrHVbRNhdvHuyhUCtrhO9u697EdeXo0dF7wYkhdPjRSQ6VbLwvIzOedIMJPfBzmivVaQ9n0BqkDFZd8EX3Bht4pGFWuQYMXx0pZV8zAbBVzZ\
w/iHY5hS29tHSbRHxrthVOTH/9i2wBDaLF3siGO76Um68bdBgiRkjrllsYN0gtFZcYD2lppq/+DX7cpQbKm3gsm6c6iTCUlVXYcq4FBEL9ESC2G6U6s8\
gM+2Xxpycz6laHtFqU2eQKEai/2LOKAMXy9xxLp1Ke10k9ttBLWkwZbAhNtE5wrppQmogVvch0/mUPtBhAn4GGMk5i4UOxceZ9r9TKsOzgo9CUmKOlQJ\
S/fFXsQhDvM8LSrEpYBqnsS2H0fVbuRLTpdoEVE3FQ4M+1hhCVUb52wp6Lsr7c76yGy5tH8yXP/lECRxfkbVzk8mhO/ubTpyc7XatZukSRXGYPoiFN/d\
3mislOByUGG8ZAe7Wn0ElqOMjnDjZzh0OlEVD1KJxtRKxRuBPvOQM5HXpGumZMLKJCBxC0i4bv890N/WiljXKRlY6A+6oq/u+S0s1e5uZlv8JANTl2qB\
twrzUanA3NI6FlUNaz4q6q7XQNCSwLDFChxC+7vGbtnx/HMBB2PEC90LIMm430LeBxbcCjpfkQls04e1j0Hi26LMJY84NwVpHkCXhtiBkToMbof/CW/x\
+DA4wi2zz7FLgVDDNYXbZ7NDpWkODDZPhjw7MNE4b17JsLawhy4HRs3i2NM/Oy3K1V6JfEUgDBT25oHuM5JfTUlw0NFplf0ADjiyBuvxLJOXWXjx5anB\
UAQfw+sEFwYOCHqPFVQ3/TlN2yhHqTdE+jZsozXP0WR92fwN6PwmRTb0O/Tm0rM+GOjTPmUpeJdrZQZHUF1BS6bus259ppgTuxyOo2AP+eFQt2c4pYlV\
XaWCrIVzSzmRgXr0/HYt68e8IpkbIhdrr0x3XAZBBKzBqNXZYJlB/U5sCYn7Y+nd9iYNguSQeN2r0mN3MaqMKvlq6TkRhsNe6gT7QO0OAlA7YpYkyaVf\
gkzbKVdx4ME4sNwA+ke+jOZAOew4qlD+QtlgoWrR31CIVwGRDv5I9OsjJdZ+CdvHqsGnfppg4gquaxBQrbsCTXVtlV2b6YJsEFPKiqdxeM4IkO/ANXyT\
vGgOIjrKon5A5W23QKAPKJLyG7m9mtJW91dJ4sEO/zjF9FM3ru2UGRVo1lHDQara8tkpU1EG56Vpj4ve3tVaNW/KbdxzSE/Ks1HvIhWug4YbCNBZPkiN\
31j9l4rAor8fXSTI9jcy3Vug87lk+ydfL9jXIJBBCbImE40st7zbKefvlMDz9x8tKeiIzEmYDtSptU4S5NN5v/hsDViRxzs9NCx12oGO/iI/MFMiFWCB\
fliZQ4JhXm+/COdb7MclOEBtOUBdwstwP7a2zEqqL3u30G0Hl+2KzwPELmjWqz5jLGJZdDUmRUS+rX2c=
Bid document: e54463b0a8648a7b3e2a5296e8e13b62144bb14b099b376441f5b94de9c50f52
Previous document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Block hash: 0f004ecc66c1c445b74d3282de3244d8e0e480f8f31b37e41f01ba9a48af7aaf
Block height: 101
-----BEGIN SIGNATURE-----
mtQKqyo7R9BzeKPXhadrShTHKHpxuAb3jY
H9BE+VjQEMwutCWnbxIK09YgvTXcUE253xJi2EbS8kd2QNdsuDtf2GNN26RA4BqE1upMLUUUc1CIRNZvJJ3N9aY=
-----END BITCOIN SIGNED MESSAGE-----"""

DISCLOSURE = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Disclosure
Format: 3
Network: regtest
Job name: A Software Widget
Job ID: rq5n0tz3vkc8y1wd7hxa
Job document: 4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33
Role: creator
Delegate address: n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
Master address: n4EYsC17nfwB3r9S2iuwxnVsPCT8S3vghB
Receiver role: mediator
Receiver master address: mxmGhExZuc4L9Zr7qEWU4NpG9opvZU5348
Sender message key: 03eeb7c8ad15349f5aecf21e7a9ecc1e6aa8d3e8bc5617da6f2e5fb900f7834dc1
Receiver message key: 02c21aa2bda38114f459885b0d55cff1c75e17079d215da95b249524194202a0fd
Sealed text: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+Mzqqx8ICqGToCeW7n9jN/b2Wwj21JoTi5Gwz+Q0KgDm6mKu6OSVjWy\
fbU+T4RpcqTRBjTIhJpRiKI4M+PQAMbo85763qmBuBuF9+DDT0iswJtjha2ChWJViIKwC6VOq633z5cgdm9fLSb1wTgwkDFEq6jxCX33iUt+oI\
Xt/Nvr2k2fhr7svxjcafRlsqCcNbVK/n0bk4yUYC6bUY4QxT+7cpuuimR+CtFO58IDXzT+Hfau/X9enywXVQrnlrxZTXgyG+tRLvgRxAtTGrpG\
yxSoRa1DoHPm2Nq+nblDtc7FcgOcK5IQ1y+86dYJRxTRvctuGwg+v7RkVfTjHdWCq08kLYw9X/UpzSnZhui5BDpEp8IBIpq91sHDItT9VVOCRp\
4O5o0+2ekWqVwLXpd6OAg
Other party master address: n3ScZe26NagqNgZu21tFHH2rUyxvEkY8Jr
Other party message key: 03ae881e3d21aa8266ce03ea55d40894c518fb00610c8e302a78b471371219680b
Previous document: 172fc5c3cd1db2c3b7d9a3ba05642347c8c0a9ac8a1ce2fa013eafc287dd3636
Block hash: fc8deb876cfce604c9641b7cda0a9a7f5f7a897c60ef6de43117aa2795f5aa1a
Block height: 105
-----BEGIN SIGNATURE-----
n2pud7JAtLdsmWMV18GQ26QabqX5YoBQnw
IEXMKYvgxS55Gsbi+prr61vWve5YFS3HvXkUZDvTh1J8dpCYwH8DO3qTbvFm6yT/4S2LY4xYhqzYeYdYxloVPfs=
-----END BITCOIN SIGNED MESSAGE-----"""

ALICE_MASTER = "fe174a78ee0a0741e1e403968a114865584baa6cb3e7aab074dcd7c3907d7909"
ALICE_DELEGATE = "cb562ceedd1ad2d7a2faa77f8a9b6a106eb31ca0d0d3e4319d2e2ecd94197ac6"
BOB_DELEGATE = "8358c40c7ad4ba2443dab007f482c44ff0c2d19beb3c2bc945b88534927e536c"
CHARLIE_DELEGATE = "fab16d1179ed3902e2402cc0ef3c690d09c9aebc367b2872a8c6c4f9b8399d68"

GOLDEN = {
    "Enrollment": (ENROLLMENT, ALICE_MASTER, "0f3263c83502e95722b4efc1d29eb788ca4ca1101c3af8a0f3a3a10fa1efa76b"),
    "Job": (JOB, BOB_DELEGATE, "4a1a0ed8c90e505814a57569c90a3214f25736294c7a97f8eddffb40f4932c33"),
    "Bid": (BID, CHARLIE_DELEGATE, "e54463b0a8648a7b3e2a5296e8e13b62144bb14b099b376441f5b94de9c50f52"),
    "Offer": (OFFER, BOB_DELEGATE, "12bedb3c8ab5161f3a668599dc93c10ba26e8ad30766eed394bd9672096741ba"),
    "Delivery": (DELIVERY, CHARLIE_DELEGATE, "884eda92bc431330c928e770e0358d8de085c3c2ed4f6a707b17c79b1e014cf4"),
    "AcceptDelivery": (ACCEPT, BOB_DELEGATE, "83992860af28d1228ea4b082c856fcd4d4472f6d78153c9e834c53f0f0889126"),
    "Settlement": (SETTLEMENT, CHARLIE_DELEGATE, "07efb3a2bea8e0874f9617f2a56d62e4801e27175f44fe764fb4d3f335457d7b"),
    "Refund": (REFUND, ALICE_DELEGATE, "f8ca7cea35d7c6a72bb1d22b5af955bd6abbf64eba9dbad519898d112bd683c9"),
    "DisputeDelivery": (
        DISPUTE_DELIVERY,
        BOB_DELEGATE,
        "0858aba71da7e0a75d53e62952a30b3ae152d0feef12ba8b969d0f1eb5711018",
    ),
    "DisputeOffer": (
        DISPUTE_OFFER,
        CHARLIE_DELEGATE,
        "24b1d7b97489221a98430f3df4f5d038c9b96a12228fcbc58118f6079620b304",
    ),
    "DisputeResolution": (
        DISPUTE_RESOLUTION,
        ALICE_DELEGATE,
        "1434de23200f73f691ae4aecd9df2ce68b019db3eb46816ece4b79a0f7f39445",
    ),
    "AcceptResolution": (
        ACCEPT_RESOLUTION,
        BOB_DELEGATE,
        "45dc5e70df02d48969f75901677f6ff9b657b539c082cc9a69e0f6b6b6a5bcdf",
    ),
    "Message": (MESSAGE, CHARLIE_DELEGATE, "172fc5c3cd1db2c3b7d9a3ba05642347c8c0a9ac8a1ce2fa013eafc287dd3636"),
    "SealedBid": (SEALED_BID, CHARLIE_DELEGATE, "6f4051248c293ba74f38e5e137ee6782306be5ec7523f6af5813f2531967c03c"),
    "Disclosure": (DISCLOSURE, BOB_DELEGATE, "7b4f2f636dd9108db81a93e6813f721d924de5b4798cf58652c3cdaf0c6d9686"),
    "Rating": (RATING, BOB_DELEGATE, "ffa511c8db841c1c9ba40c1a3d15dcfea840bd0aef2c8443b1a16f0720464ad4"),
}

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
_DISPUTE = {**_PARTY, "detail": "Dispute detail", "mediator_psbt": "Mediator payment PSBT"}
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
        "mediator_payment_xpub": "Mediator payment extended key",
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
        "network": "Network",
        "name": "Job name",
        "job_id": "Job ID",
        "tags": "Tags",
        "description": "Description",
        "time": "Time",
        "expiration_days": "Expiration (days)",
        "mediator": "Mediator",
        "mediator_contact": "Mediator contact",
        "mediator_fee": "Mediator fee",
        "mediator_public_key": "Mediator public key",
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
        "worker": "Worker",
        "worker_master_address": "Worker master address",
        "primary_amount": "Primary escrow amount (BTC)",
        "mediator_amount": "Mediator escrow amount (BTC)",
        **_ESCROW,
        **_CREATOR,
    },
    "Delivery": {**_ORDER, "deliverables": "Deliverables", **_WORKER},
    "AcceptDelivery": {**_ORDER, **_PAYMENTS, **_CREATOR},
    "Settlement": {**_PARTY, **_AWARD, "terms": "Terms", **_PAYMENTS},
    "Refund": {**_PARTY, "reason": "Reason", **_PAYMENTS},
    "DisputeDelivery": _DISPUTE,
    "DisputeOffer": _DISPUTE,
    "DisputeResolution": {**_PARTY, **_AWARD, "resolution": "Resolution", **_PAYMENTS},
    "AcceptResolution": {**_PARTY, **_PAYMENTS},
    "Message": _SEALED,
    "SealedBid": {**_SEALED, "bid": "Bid document"},
    "Disclosure": {
        **_SEALED,
        "other_address": "Other party master address",
        "other_key": "Other party message key",
    },
    "Rating": {
        **_PARTY,
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
    armored, secret, document_id = GOLDEN[name]
    signed = verify(armored)
    assert type(signed.document).__name__ == name
    assert signed.id == document_id
    assert sign(signed.document, PrivateKey(bytes.fromhex(secret))).armored == armored


@pytest.mark.parametrize("name", GOLDEN)
def test_every_label_stands_for_its_attribute(name: str) -> None:
    signed = verify(GOLDEN[name][0])
    cls = type(signed.document)
    assert {each.attribute: each.label for each in fields.lines_of(cls)} == LABELS[name]
    rows = dict(row.split(": ", 1) for row in signed.text.split("\n")[1:])
    assert rows.pop("Format") == "2"
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
    story = {name: verify(armored) for name, (armored, _, _) in GOLDEN.items()}
    for name, answered in ANSWERS.items():
        assert story[name].document.previous == story[answered].id
        assert story[name].document.job_document == story["Job"].id
