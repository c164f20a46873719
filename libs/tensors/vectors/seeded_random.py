"""SeededRandom, written from the papers and the comment of seeded-random.ts, sharing no code with it.

    python3 seeded_random.py > seeded-random.json

Seed: FNV-1a (32 bits, offset basis 0x811c9dc5, prime 0x01000193) over UTF-8; four states of splitmix32 (gamma
0x9e3779b9, finaliser 0x21f0aaad / 0x735a2d97 with shifts 16, 15, 15); then xoshiro128** 1.1 of Blackman and Vigna.
"""
import json
import platform

MASK = 0xFFFFFFFF


def rotl(x, k):
    return ((x << k) | (x >> (32 - k))) & MASK


class Xoshiro128StarStar:
    def __init__(self, state):
        self.s = list(state)

    def next(self):
        s = self.s
        result = rotl(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 9 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotl(s[3], 11)
        return result


def seeded(text):
    h = 0x811C9DC5
    for byte in text.encode("utf-8"):
        h = (h ^ byte) * 0x01000193 & MASK
    state = []
    for _ in range(4):
        h = (h + 0x9E3779B9) & MASK
        z = h
        z = (z ^ z >> 16) * 0x21F0AAAD & MASK
        z = (z ^ z >> 15) * 0x735A2D97 & MASK
        state.append(z ^ z >> 15)
    return Xoshiro128StarStar(state)


def integer(source, bound):
    limit = 2**32 - 2**32 % bound
    while True:
        draw = source.next()
        if draw < limit:
            return draw % bound


def shuffle(source, items):
    out = list(items)
    for i in range(len(out) - 1, 0, -1):
        j = integer(source, i + 1)
        out[i], out[j] = out[j], out[i]
    return out


# The test of rand_xoshiro (Rust) has these ten, which it took from the authors' C: a check on this program itself.
check = Xoshiro128StarStar([1, 2, 3, 4])
assert [check.next() for _ in range(10)] == [
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804]

vectors = []
for seed in ["", "consilium", "images/7", "Ärztin \U0001fa7b", "a" * 1000]:
    source = seeded(seed)
    first = [source.next() for _ in range(16)]
    for _ in range(17, 10_000):
        source.next()
    vectors.append({
        "seed": seed, "uint32": first, "number10000": source.next(),
        "integersBelow3221225473": [integer(s, 3221225473) for s in [seeded(seed)] for _ in range(16)],
        "shuffled": shuffle(seeded(seed), range(20)),
        "normal": sum(x / 2**32 for x in first[:12]) - 6,
    })
print(json.dumps({"provenance": f"seeded_random.py under {platform.python_implementation()} "
                                f"{platform.python_version()}, made on 2026-11-22.", "vectors": vectors}, indent=1))
