"""Five real documents of January 2016, byte for byte: public facts, and what old readers must go on to understand."""

from __future__ import annotations

ENROLLMENT_BOB = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein User Enrollment
User: Bob
Contact: bob@example.com
Master signing address: 1HZwkjkeaoZfTSaJxDw6aKkxp45agDiEzN
Delegate signing address: 1CptxARjqcfkVwGFSjR82zmPT8YtRMubub
Willing to mediate: False
-----BEGIN SIGNATURE-----
1HZwkjkeaoZfTSaJxDw6aKkxp45agDiEzN
G+I+yr15oWQJUlxC+FO5Bw8Oc1ExfGNPH0Bn0zBOSmjpZ+c/a8gvdabEaPLEdOI101lHLDmM42s94GUuUAUTFD0=
-----END BITCOIN SIGNED MESSAGE-----
"""

ENROLLMENT_ALICE = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein User Enrollment
User: Alice
Contact: alice@example.com
Master signing address: 1Djp4Siv5iLJUgXq5peWCDcHVWV1Mv3opc
Delegate signing address: 19skaV7ZDvSe2zKXB32fcay2NzajJcRG8B
Willing to mediate: True
Mediator pubkey: 029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005
Mediation fee: 1.0%
-----BEGIN SIGNATURE-----
1Djp4Siv5iLJUgXq5peWCDcHVWV1Mv3opc
H2ynZXU3ZBfeJQsRasA8/RRLjdpRYnMVtz5YBU0Ztos8+eOyWZ1DuW8J8ydVen+Pp8bbk0K/kxK0NOy55veKDJw=
-----END BITCOIN SIGNED MESSAGE-----
"""

JOB = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Job
Job creator's name: Bob
Job creator's public key: 026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc
Mediator's name: Alice
Mediator's public key: 029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005
Job name: A Software Widget
Category: Software
Description: I need a widget for my website. It needs to be done in Javascript and must show a message to \
each visitor, basically "Hello World!" is the message. In any case, the site is http://example.com so please \
check it out before bidding. Thanks!
Job ID: fyzfrxtrttcv8o04oj53
-----BEGIN SIGNATURE-----
1CptxARjqcfkVwGFSjR82zmPT8YtRMubub
H3qtO/IOayLkuRdUX/ElBXQVh/yIddcWq6XmfwpHvwajPhTmsHmJTgqRczMNGNRyU5UsM5N5qJB5rI8wK4aD+/0=
-----END BITCOIN SIGNED MESSAGE-----"""

BID = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Bid
Worker's name: Charlie
Worker's public key: 02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519
Job ID: fyzfrxtrttcv8o04oj53
Job creator's name: Bob
Job creator's public key: 026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc
Description: Hi Bob, I can get this done for you no problem. I am a Javascript whiz and have done "Hello \
World!"-type jobs many times. I can have this done for you within 3 days of your offer. Thank you, sir.
Bid amount (BTC): 0.05
-----BEGIN SIGNATURE-----
18UZN58o4fnJpfC7nMBQ5iapoLmqfPf3m5
H1+txkpc6vXvncLrELwVVowfr64cwoOsV/pTQ+mNTiMuCYBFdCr1pAIyv/L5rFbpNDRC019aVxS6UVl6kRF4umE=
-----END BITCOIN SIGNED MESSAGE-----"""

OFFER = """\
-----BEGIN BITCOIN SIGNED MESSAGE-----
Rein Offer
Job creator's name: Bob
Job creator's public key: 026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc
Worker's name: Charlie
Worker's public key: 02f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c46519
Mediator's name: Bob
Mediator's public key: 026bc363139ebc1cad8e6eee402507d2b4874f5450585f1e6a1cd30a63ecdfc9dc
Mediator escrow address: 3R1Pzho6Yca27AceUHBYnmg6S2NbT1LtLs
Mediator escrow redeem script: \
21029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb005ad5221026bc363139ebc1cad8e6eee402507d2b487\
4f5450585f1e6a1cd30a63ecdfc9dc2102f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c4651952ae
Primary escrow address: 3GJrubCa1wCFMUqnwPhuyeQXdWTD8hecdG
Primary escrow redeem script: \
522102f719f009fb8eb20ccdbfda7d38f378ed2f103ac0a6768df830740c6835c4651921026bc363139ebc1cad8e6eee402507d2b4874f\
5450585f1e6a1cd30a63ecdfc9dc21029fcafbe2dced6fe79865b265ea90387c5411658ca11449999d5020a9f67bb00553ae
Description: I'm not sure what to write here but getting it done in a few days sounds good. Let us begin!
Bid amount (BTC): 0.05
Job ID: fyzfrxtrttcv8o04oj53
-----BEGIN SIGNATURE-----
1CptxARjqcfkVwGFSjR82zmPT8YtRMubub
IHBppS2AkGAnXYbjOx+Y5m9IFrdohq7NizcOzqVkapnvaY7nmuO3lFwbnV9AFWwTj5/QFTge3Jww8sT3f/kl3+o=
-----END BITCOIN SIGNED MESSAGE-----"""
