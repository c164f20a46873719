"""Canonical JSON in the profile of canonical-json.ts, spelled by Python's json module and sharing no code with it.

    python3 canonical_json.py > canonical-json.json

`spelled` holds loose JSON with the one spelling that json.dumps gives it. `refused` holds bytes and the code that a
parser of canonical bytes must give: NOT_JSON where bytes.decode or json.loads fails (NaN and Infinity included),
NOT_CANONICAL_JSON where the value is outside the profile or its spelling differs from the bytes.
"""
import hashlib
import json
import platform
import random

SAFE = 2**53 - 1


def spell(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def inside(value):
    if value is None or isinstance(value, (bool, str)):
        return not isinstance(value, str) or not any(0xD800 <= ord(c) <= 0xDFFF for c in value)
    if isinstance(value, int):
        return -SAFE <= value <= SAFE
    if isinstance(value, list):
        return all(inside(item) for item in value)
    if isinstance(value, dict):
        return all(all(" " <= c <= "~" for c in key) and inside(item) for key, item in value.items())
    return False


def number(text):
    # JSON has one kind of number: 1.0 and 1e2 are integers, and -0 is not 0.
    value = float(text)
    return int(value) if value == int(value) and not text.startswith("-0") and abs(value) <= SAFE else value


def no_constant(_):
    raise ValueError


def verdict(data):
    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_float=lambda t: number(t) if "inf" not in str(float(t)) else float(t),
                           parse_int=lambda t: -0.0 if t == "-0" else int(t), parse_constant=no_constant)
    except ValueError:
        return "NOT_JSON"
    return "ACCEPTED" if inside(value) and spell(value) == text else "NOT_CANONICAL_JSON"


def some_value(rng, depth):
    kind = rng.randrange(7 if depth < 4 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind in (1, 2):
        return rng.choice([0, 1, -1, 10, SAFE, -SAFE, rng.randrange(-SAFE, SAFE)])
    if kind in (3, 4):
        pool = [chr(i) for i in range(0x20)] + list("\"\\/<>&' aZ~\x7f\x80é€\u2028\u2029\ufeff\ufffd\ufb33\U0001f600")
        return "".join(rng.choice(pool) for _ in range(rng.randrange(8)))
    if kind == 5:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    keys = ["", "a", "A", "b", "aa", "10", "9", "1", "~", " ", '"', "\\", "/", "__proto__", "constructor", "toString"]
    return {key: some_value(rng, depth + 1) for key in rng.sample(keys, rng.randrange(6))}


def loose(rng, value):
    """The same value with another order of keys, escapes that are not needed, and white space."""
    gap = lambda: rng.choice(["", " ", "\n", "\t", "\r\n"])
    if isinstance(value, str):
        units = value.encode("utf-16-be")
        return '"' + "".join("\\u%04X" % int.from_bytes(units[i:i + 2], "big") for i in range(0, len(units), 2)) + '"'
    if isinstance(value, list):
        return "[" + ",".join(gap() + loose(rng, item) + gap() for item in value) + "]"
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return "{" + ",".join(gap() + loose(rng, k) + gap() + ":" + loose(rng, v) for k, v in items) + gap() + "}"
    return spell(value)


REFUSED = {
    "keys out of order": b'{"b":1,"a":2}',
    "keys out of order by length": b'{"aa":1,"a":2}',
    "digits sorted as numbers": b'{"9":1,"10":2}',
    "a key twice": b'{"a":1,"a":1}',
    "a key twice, the second with an escape": b'{"a":1,"\\u0061":2}',
    "a fraction that is an integer": b"1.0",
    "a fraction": b"0.5",
    "an exponent": b"1e2",
    "a capital exponent": b"1E2",
    "a tiny exponent": b"1e-400",
    "a huge exponent": b"1e400",
    "minus zero": b"-0",
    "minus zero in an object": b'{"a":-0}',
    "the first unsafe integer": b"9007199254740992",
    "an integer that doubles round": b"9007199254740993",
    "a negative unsafe integer": b"-9007199254740992",
    "a thousand digits": b"9" * 1000,
    "a leading zero": b"01",
    "a plus sign": b"+1",
    "no digit after the point": b"1.",
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "a space": b'{"a": 1}',
    "a newline at the end": b"1\n",
    "an escaped letter": b'"\\u0061"',
    "an escaped slash": b'"\\/"',
    "a control character as \\u in capitals": b'"\\u001F"',
    "a newline as \\u": b'"\\u000a"',
    "an escaped DEL": b'"\\u007f"',
    "an escaped line separator": b'"\\u2028"',
    "a raw control character": b'"\x1f"',
    "a lone high surrogate": b'"\\ud800"',
    "a lone low surrogate": b'"\\udc00"',
    "surrogates in the wrong order": b'"\\ude00\\ud83d"',
    "a lone surrogate in a key": b'{"\\ud800":1}',
    "a pair as escapes": b'"\\ud83d\\ude00"',
    "a key outside ASCII": '{"é":1}'.encode(),
    "a control character in a key": b'{"\\n":1}',
    "a byte order mark": b"\xef\xbb\xbf1",
    "a surrogate as UTF-8": b'"\xed\xa0\x80"',
    "an overlong slash": b'"\xc0\xaf"',
    "a cut sequence": b'"\xe2\x82"',
    "a lone continuation byte": b'"\x80"',
    "beyond the last code point": b'"\xf4\x90\x80\x80"',
    "UTF-16": '"a"'.encode("utf-16-le"),
    "nothing": b"",
    "two values": b"1 2",
    "a comma at the end": b"[1,]",
    "a comma at the end of an object": b'{"a":1,}',
    "single quotes": b"'a'",
    "a comment": b"/**/1",
    "a bare key": b"{a:1}",
    "an unclosed array": b"[1",
}

rng = random.Random(8785)
spelled = []
for _ in range(60):
    value = some_value(rng, 0)
    canonical = spell(value)
    assert inside(value) and verdict(canonical.encode()) == "ACCEPTED"
    spelled.append({"loose": loose(rng, value), "canonical": canonical,
                    "sha256": hashlib.sha256(canonical.encode()).hexdigest()})
refused = []
for name, data in REFUSED.items():
    code = verdict(data)
    assert code != "ACCEPTED", name
    refused.append({"name": name, "hex": data.hex(), "code": code})
print(json.dumps({
    "provenance": f"canonical_json.py under {platform.python_implementation()} {platform.python_version()}, "
                  "json.dumps(sort_keys=True, separators=(',', ':'), ensure_ascii=False), made on 2026-11-22.",
    "spelled": spelled, "refused": refused}, indent=1))
