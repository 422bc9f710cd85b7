"""Card and PIN cryptography as the Python package psec does it. Reads {"cards": [...]}, prints
{"cards": [...]} with what it made of each; keys and blocks are hexadecimal.

    {"cvk", "pvk", "index", "pan", "expiry": YYMM, "pin", "zpk", "aes", "block0", "block4"}
    -> {"cvc2", "icvv", "cvv", "pvv", "block0", "pin0", "block4", "pin4", "check"}

`block0` of the answer is the only one that there is; `block4` is filled at random, so ours is read
and theirs is for us to read.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from psec import cvv, des, pin, pinblock  # noqa: E402


def of(card):
    cvk, pvk, zpk, aes = (bytes.fromhex(card[name]) for name in ("cvk", "pvk", "zpk", "aes"))
    number, digits = card["pan"], card["pin"]

    def code(service):
        return cvv.generate_cvv(cvk, number, card["expiry"], service)

    clear = pinblock.encode_pinblock_iso_0(digits, number)
    ours = des.decrypt_tdes_ecb(zpk, bytes.fromhex(card["block0"]))
    return {
        "cvc2": code("000"),
        "icvv": code("999"),
        "cvv": code("201"),
        "pvv": pin.generate_visa_pvv(pvk, card["index"], digits, number),
        "block0": des.encrypt_tdes_ecb(zpk, clear).hex(),
        "pin0": pinblock.decode_pinblock_iso_0(ours, number),
        "block4": pinblock.encipher_pinblock_iso_4(aes, digits, number).hex(),
        "pin4": pinblock.decipher_pinblock_iso_4(aes, bytes.fromhex(card["block4"]), number),
        "check": des.generate_kcv(zpk, 3).hex().upper(),
    }


print(json.dumps({"cards": [of(card) for card in json.load(sys.stdin)["cards"]]}))
