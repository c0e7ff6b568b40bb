"""Reads, writes and removes the results of a Rust function that stores them in Redis.

The function is

    #[lru_cache(maxsize = 0, ttl = 3600, namespace = "shop.price", format = json, backend = redis("redis://127.0.0.1/"))]
    fn price(id: u32) -> f64 { … }

and the layout of its entries is specified in docs/format.md.

    python3 outside.py redis://127.0.0.1/ get 7
    python3 outside.py redis://127.0.0.1/ set 7 19.5
    python3 outside.py redis://127.0.0.1/ delete 7

Needs the package `redis`.
"""

import json
import os
import struct
import sys
import zlib

import redis

NAMESPACE = "shop.price"
HEADER = 24
STALE_WINDOW = 1


class Results:
    """The stored results of one function."""

    def __init__(self, client, namespace):
        self.client, self.namespace = client, namespace.encode()

    def _key(self, arguments):
        """The key of a call: the arguments as a JSON array without spaces."""
        return json.dumps(arguments, separators=(",", ":"), ensure_ascii=False).encode()

    def _redis_key(self, key):
        return b"%d:%s:%s" % (len(self.namespace), self.namespace, key)

    def _checksum(self, key, value):
        place = b"".join(struct.pack("<Q", len(part)) + part for part in (self.namespace, key))
        return zlib.crc32(place + value[:4] + value[8:])

    def get(self, *arguments):
        """Returns the result of the function for these arguments, or None if it is not stored."""
        key = self._key(arguments)
        item = self.client.get(self._redis_key(key))
        # An item that begins with `L` is the mark of a computation under way.
        if item is None or item[:1] != b"V":
            return None
        value = item[17:]
        if value[:3] != b"\xf7\x03\x02" or len(value) < HEADER or value[3] & ~STALE_WINDOW:
            return None
        if struct.unpack("<I", value[4:8])[0] != self._checksum(key, value):
            return None
        return json.loads(value[HEADER + (8 if value[3] & STALE_WINDOW else 0):])

    def set(self, result, *arguments, ttl):
        """Stores a result for `ttl` seconds."""
        key = self._key(arguments)
        header = b"\xf7\x03\x02\x00" + bytes(4) + struct.pack("<QQ", 0, 0)
        value = header + json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode()
        value = value[:4] + struct.pack("<I", self._checksum(key, value)) + value[8:]
        item = b"V" + os.urandom(16) + value
        self.client.set(self._redis_key(key), item, px=int(ttl * 1000))

    def delete(self, *arguments):
        """Removes a result. What the function is computing for these arguments is not stored either."""
        return self.client.delete(self._redis_key(self._key(arguments))) > 0


def main():
    url, what, id, *rest = sys.argv[1:]
    prices = Results(redis.Redis.from_url(url), NAMESPACE)
    if what == "get":
        print(prices.get(int(id)))
    elif what == "set":
        prices.set(float(rest[0]), int(id), ttl=3600)
    elif what == "delete":
        print(prices.delete(int(id)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
