"""Card and PIN cryptography as the Python package psec does it. Reads {"cards": [...]}, prints
{"cards": [...]} with what it made of each; keys and blocks are hexadecimal.

    {"cvk", "pvk", "index", "pan", "expiry": YYMM, "pin", "zpk", "aes", "block0", "block1", "block4"}
    -> {"cvc2", "icvv", "cvv", "pvv", "luhn", "block0", "pin0", "block1", "pin1", "block4", "pin4",
        "check"}

`block0` of the answer is the only one that there is; `block1` and `block4` are filled at random, so
ours are read and theirs are for us to read. Format 1 and the check digit psec doesn't know: they
are written out here.
"""

import json
import secrets
import sys
import warnings

warnings.filterwarnings("ignore")

from psec import cvv, des, pin, pinblock  # noqa: E402


def code(cvk, number, expiry, service):
    """Of three digits. Of one block in ten thousand psec tells fewer: it leaves the letters aside,
    from which the last ones are made then."""
    theirs = cvv.generate_cvv(cvk, number, expiry, service)
    data = (number + expiry + service).ljust(32, "0")
    first = des.encrypt_tdes_ecb(cvk[:8], bytes.fromhex(data[:16]))
    mixed = bytes(a ^ b for a, b in zip(first, bytes.fromhex(data[16:])))
    block = des.encrypt_tdes_ecb(cvk, mixed).hex()
    digits = [sign for sign in block if sign.isdigit()]
    letters = [str(int(sign, 16) - 10) for sign in block if not sign.isdigit()]
    whole = "".join(digits + letters)[:3]
    assert len(theirs) <= 3 and whole.startswith(theirs), (whole, theirs)
    return whole


def luhn(digits):
    """The last digit of a number that begins with these."""
    doubled = "0246813579"
    odd, even = digits[::-1][::2], digits[::-1][1::2]
    total = sum(int(doubled[int(digit)]) for digit in odd) + sum(int(digit) for digit in even)
    return str(-total % 10)


def read_1(block):
    text = block.hex()
    assert text[0] == "1", text
    return text[2 : 2 + int(text[1], 16)]


def of(card):
    cvk, pvk, zpk, aes = (bytes.fromhex(card[name]) for name in ("cvk", "pvk", "zpk", "aes"))
    number, digits = card["pan"], card["pin"]
    clear = pinblock.encode_pinblock_iso_0(digits, number)
    filled = bytes.fromhex(f"1{len(digits):x}{digits}{secrets.token_hex(8)}"[:16])
    ours, ours_1 = (
        des.decrypt_tdes_ecb(zpk, bytes.fromhex(card[name])) for name in ("block0", "block1")
    )
    return {
        "cvc2": code(cvk, number, card["expiry"], "000"),
        "icvv": code(cvk, number, card["expiry"], "999"),
        "cvv": code(cvk, number, card["expiry"], "201"),
        "pvv": pin.generate_visa_pvv(pvk, card["index"], digits, number),
        "luhn": luhn(number[:-1]),
        "block0": des.encrypt_tdes_ecb(zpk, clear).hex(),
        "pin0": pinblock.decode_pinblock_iso_0(ours, number),
        "block1": des.encrypt_tdes_ecb(zpk, filled).hex(),
        "pin1": read_1(ours_1),
        "block4": pinblock.encipher_pinblock_iso_4(aes, digits, number).hex(),
        "pin4": pinblock.decipher_pinblock_iso_4(aes, bytes.fromhex(card["block4"]), number),
        "check": des.generate_kcv(zpk, 3).hex().upper(),
    }


print(json.dumps({"cards": [of(card) for card in json.load(sys.stdin)["cards"]]}))
