"""HTTP with everything a hostile peer could do bounded or refused. It knows nothing of Bitcoin.

http.py             one exchange within limits
bounded_session.py  the requests session under it, loaded when first needed
proxy.py            SOCKS5 proxies, and what is reached without one
strict_json.py      JSON that has one meaning
"""
