"""Sealed updates, format version 1, written from SPEC.md section 4 and sharing no code with the library.

X25519, XSalsa20-Poly1305: libsodium through PyNaCl. HKDF-SHA-256 and AES-256-GCM: OpenSSL through cryptography.

    python -m venv env && env/bin/pip install pynacl==1.6.2 cryptography==50.0.2
    env/bin/python sealed_update.py vectors > sealed-update.json
    env/bin/python sealed_update.py open ROUND_SECRET_KEY_HEX CONTEXT_JSON < sealed > plaintext

`vectors` has no randomness: every secret is the SHA-256 of a label. Such secrets protect nothing.
"""
import base64
import hashlib
import json
import struct
import sys
from importlib.metadata import version

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl import bindings

MAGIC = b"CONSEAL\x01"
CHUNK = 65536
TAG = 16


def enc(*parts):
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def chunk_key(content_key, nonce, ephemeral_public, round_public, context):
    info = enc(
        b"consilium/sealed-update/v1",
        bytes.fromhex(context["planDigest"]),
        context["runId"].encode(),
        str(context["round"]).encode(),
        str(context["attempt"]).encode(),
        context["hospitalId"].encode(),
        ephemeral_public,
        round_public,
    )
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=nonce, info=info).derive(content_key)


def chunk_nonce(index, last):
    return index.to_bytes(11, "big") + bytes([last])


def split(plaintext):
    return [plaintext[i : i + CHUNK] for i in range(0, len(plaintext), CHUNK)] or [b""]


def fixed(label):
    return hashlib.sha256(b"consilium test vector: " + label.encode()).digest()


def seal(name, chunks, round_public, context, flags=None, first=0):
    """`flags` and `first` (number of the first chunk) are for streams that no honest sealer writes."""
    ephemeral_secret, content_key, nonce = fixed(name + "/ephemeral"), fixed(name + "/content"), fixed(name + "/nonce")[:24]
    ephemeral_public = bindings.crypto_scalarmult_base(ephemeral_secret)
    box = bindings.crypto_box(content_key, nonce, round_public, ephemeral_secret)
    aead = AESGCM(chunk_key(content_key, nonce, ephemeral_public, round_public, context))
    if flags is None:
        flags = [0] * (len(chunks) - 1) + [1]
    body = b"".join(aead.encrypt(chunk_nonce(first + i, flags[i]), chunk, None) for i, chunk in enumerate(chunks))
    return MAGIC + ephemeral_public + nonce + box + body


def open_sealed(sealed, round_secret, context):
    assert sealed[:8] == MAGIC, "not a sealed update of version 1"
    ephemeral_public, nonce, box, body = sealed[8:40], sealed[40:64], sealed[64:112], sealed[112:]
    content_key = bindings.crypto_box_open(box, nonce, ephemeral_public, round_secret)
    round_public = bindings.crypto_scalarmult_base(round_secret)
    aead = AESGCM(chunk_key(content_key, nonce, ephemeral_public, round_public, context))
    chunks = [body[i : i + CHUNK + TAG] for i in range(0, len(body), CHUNK + TAG)]
    return b"".join(aead.decrypt(chunk_nonce(i, i == len(chunks) - 1), chunk, None) for i, chunk in enumerate(chunks))


def vectors():
    round_secret = fixed("round")
    round_public = bindings.crypto_scalarmult_base(round_secret)
    context = {
        "planDigest": hashlib.sha256(b"plan").hexdigest(),
        "runId": "run-7",
        "round": 3,
        "attempt": 1,
        "hospitalId": "hospital-north",
    }
    other = {**context, "round": 0, "attempt": 12, "runId": "étude 肺", "hospitalId": "Zürich"}

    opened = []
    for name, size, where in [
        ("empty", 0, context),
        ("one byte", 1, context),
        ("other context", 100, other),
        ("one full chunk", CHUNK, context),
        ("two chunks", CHUNK + 1, context),
    ]:
        plaintext = bytes((31 * i + 7) % 251 for i in range(size))
        sealed = seal(name, split(plaintext), round_public, where)
        assert open_sealed(sealed, round_secret, where) == plaintext
        opened.append(
            {
                "name": name,
                "context": where,
                "sealedBase64": base64.b64encode(sealed).decode(),
                "plaintextBytes": size,
                "plaintextSha256": hashlib.sha256(plaintext).hexdigest(),
            }
        )

    def edited(name, of, code, **edit):
        return {"name": name, "of": of, "edit": edit, "code": code}

    def built(name, code, chunks, flags, first=0):
        sealed = seal(name, chunks, round_public, context, flags, first)
        return {"name": name, "context": context, "sealedBase64": base64.b64encode(sealed).decode(), "code": code}

    authentication, truncated = "SEAL_AUTHENTICATION", "SEAL_TRUNCATED"
    refused = [
        edited("nothing at all", "one byte", truncated, truncateTo=0),
        edited("the head alone", "one byte", truncated, truncateTo=112),
        edited("a tag that is cut", "one byte", truncated, truncateTo=127),
        edited("the last byte missing", "one full chunk", authentication, truncateTo=112 + CHUNK + TAG - 1),
        edited("cut at the chunk border", "two chunks", authentication, truncateTo=112 + CHUNK + TAG),
        edited("cut into the second chunk's tag", "two chunks", truncated, truncateTo=112 + CHUNK + TAG + 9),
        edited("cut to the second chunk's tag size", "two chunks", truncated, truncateTo=112 + CHUNK + TAG + TAG),
        edited("one byte more", "one byte", authentication, append="00"),
        edited("an empty chunk more", "one full chunk", truncated, append="00" * TAG),
        edited("another magic", "one byte", "SEAL_FORMAT", flipBit=[0, 0]),
        edited("version 2", "one byte", "SEAL_FORMAT", replace=[7, "02"]),
        edited("an ephemeral key of zero", "one byte", "LOW_ORDER_KEY", replace=[8, "00" * 32]),
        edited("the ephemeral key", "one byte", authentication, flipBit=[8, 0]),
        edited("bit 255 of the ephemeral key, which X25519 ignores", "one byte", authentication, flipBit=[39, 7]),
        edited("the nonce", "one byte", authentication, flipBit=[63, 7]),
        edited("the box's tag", "one byte", authentication, flipBit=[64, 3]),
        edited("the box's content key", "one byte", authentication, flipBit=[111, 3]),
        edited("the ciphertext", "one byte", authentication, flipBit=[112, 0]),
        edited("the chunk's tag", "one byte", authentication, flipBit=[128, 7]),
        edited("the tag of an empty update", "empty", authentication, flipBit=[112, 0]),
        edited("another round key", "one byte", authentication, roundSecretKey=fixed("another round").hex()),
        edited("another plan", "one byte", authentication, context={"planDigest": "00" * 32}),
        edited("another run", "one byte", authentication, context={"runId": "run-8"}),
        edited("another round", "one byte", authentication, context={"round": 4}),
        edited("another attempt", "one byte", authentication, context={"attempt": 2}),
        edited("another hospital", "one byte", authentication, context={"hospitalId": "hospital-south"}),
        edited(
            "round and attempt change places", "one byte", authentication, context={"round": 1, "attempt": 3}
        ),
        built("no chunk says that it is the last", authentication, [b"\x01"], [0]),
        built("the number of the only chunk is not 0", authentication, [b"\x01"], [1], first=1),
    ]
    return {
        "provenance": {
            "program": "libs/crypto/vectors/sealed_update.py",
            "made": "2026-11-22",
            "python": sys.version.split()[0],
            "pynacl": version("pynacl"),
            "cryptography": version("cryptography"),
        },
        "roundSecretKey": round_secret.hex(),
        "roundPublicKey": round_public.hex(),
        "opened": opened,
        "refused": refused,
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["vectors"]:
        json.dump(vectors(), sys.stdout, indent=1, ensure_ascii=False)
        print()
    elif len(sys.argv) == 4 and sys.argv[1] == "open":
        sealed = sys.stdin.buffer.read()
        sys.stdout.buffer.write(open_sealed(sealed, bytes.fromhex(sys.argv[2]), json.loads(sys.argv[3])))
    else:
        sys.exit(__doc__)
