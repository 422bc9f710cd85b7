"""JWE as the Python package jwcrypto does it. Reads an object of JSON, prints one; tests/node/jwe.mjs
does the same in JavaScript.

    {"do": "key"}                                  -> {"private": PKCS#8 PEM, "public": header}
    {"do": "encrypt", "key", "alg", "kid"?, "text"} -> {"token"}
    {"do": "decrypt", "private", "token"}          -> {"header", "text"}
"""

import base64
import json
import sys

from jwcrypto import jwe, jwk


def key(_):
    made = jwk.JWK.generate(kty="RSA", size=3072)
    return {
        "private": made.export_to_pem(private_key=True, password=None).decode(),
        # The usual spelling of a Public-Key: PEM, standard base64.
        "public": base64.b64encode(made.export_to_pem()).decode(),
    }


def encrypt(asked):
    header = {"alg": asked["alg"], "enc": "A256GCM"}
    if asked.get("kid"):
        header["kid"] = asked["kid"]
    key = jwk.JWK.from_pem(base64.b64decode(asked["key"]))
    token = jwe.JWE(asked["text"].encode(), json.dumps(header))
    token.add_recipient(key)
    return {"token": token.serialize(compact=True)}


def decrypt(asked):
    key = jwk.JWK.from_pem(asked["private"].encode())
    token = jwe.JWE(algs=["RSA-OAEP-256", "A256GCM"])
    token.deserialize(asked["token"], key)
    return {"header": token.jose_header, "text": token.payload.decode()}


asked = json.load(sys.stdin)
print(json.dumps({"key": key, "encrypt": encrypt, "decrypt": decrypt}[asked["do"]](asked)))
