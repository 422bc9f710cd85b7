#!/usr/bin/env python3
"""Makes a key pair for the header Public-Key, and decrypts what was encrypted for it.

    decrypt.py new-key KEY.pem           writes a new private key, prints the header's value
    decrypt.py decrypt KEY.pem <ANSWER   prints what {"payload": "<JWE>"} holds

Needs the package jwcrypto.
"""

import base64
import json
import os
import sys

from jwcrypto import jwe, jwk


def new_key(path):
    key = jwk.JWK.generate(kty="RSA", size=2048)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(key.export_to_pem(private_key=True, password=None))
    print(base64.b64encode(key.export_to_pem()).decode())


def decrypt(path):
    with open(path, "rb") as stream:
        key = jwk.JWK.from_pem(stream.read())
    token = jwe.JWE(algs=["RSA-OAEP-256", "A256GCM"])
    token.deserialize(json.load(sys.stdin)["payload"], key)
    print(token.payload.decode())


if __name__ == "__main__":
    commands = {"new-key": new_key, "decrypt": decrypt}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2])
