"""Fills a running sandbox with some of everything, and writes down what a later release must
answer: `fill.py DATA FACTS`. scripts/make-upgrade-fixture runs it.

Nothing secret is written down: of a card its id and its last four digits.
"""

import base64
import http.client
import json
import pathlib
import ssl
import sys
import uuid
from datetime import datetime, timezone

from jwcrypto import jwe, jwk

MOMENT = "2026-11-21T05:00:00+00:00"
PICTURE = "picture.jpg"


class Sandbox:
    """Calls a sandbox as its partner or as its processor."""

    def __init__(self, data):
        self.data = pathlib.Path(data)
        self.file = json.loads((self.data / "sandbox.json").read_text())
        self.port = int(self.file["baseUrl"].rsplit(":", 1)[1])
        self.key = jwk.JWK.generate(kty="RSA", size=2048)
        self.asked = []

    def call(self, who, method, path, body=None, key=None, expect=200, headers=None):
        """Calls and keeps the call with its answer, if it has an idempotency key."""
        sent = dict(headers or {})
        if path.startswith("/lifecycle/"):
            sent["Issuer-Code"] = "sandbox"
        if key is not None:
            sent["X-Idempotency-Key"] = key
        text = body
        if isinstance(body, dict):
            text = json.dumps(body)
            sent["Content-Type"] = "application/json"
        names = self.file["partners"][0] if who == "partner" else self.file["processor"]
        context = ssl.create_default_context(cafile=self.data / self.file["ca"])
        context.load_cert_chain(self.data / names["certificate"], self.data / names["key"])
        connection = http.client.HTTPSConnection("localhost", self.port, context=context)
        connection.request(method, path, text, sent)
        answer = connection.getresponse()
        told = answer.read().decode()
        if answer.status != expect:
            sys.exit(f"{method} {path}: {answer.status} instead of {expect}: {told}")
        told = json.loads(told) if told else None
        if key is not None and isinstance(body, dict) and "Public-Key" not in sent:
            self.asked.append({
                "caller": who, "method": method, "path": path, "key": key, "body": body,
                "status": answer.status, "answer": told,
            })
        return told

    def partner(self, method, path, body=None, **more):
        return self.call("partner", method, path, body, **more)

    def processor(self, path, body):
        """A message of the network; its id is its key too."""
        return self.call("processor", "POST", f"/processor/v1/{path}", body,
                         key=body["transactionId"])

    def encrypted(self, method, path, body=None, **more):
        """A call whose answer is decrypted."""
        pem = self.key.export_to_pem()
        headers = {"Encrypt-Response": "true", "Public-Key": base64.b64encode(pem).decode()}
        told = self.partner(method, path, body, headers=headers, **more)
        token = jwe.JWE()
        token.deserialize(told["payload"], key=self.key)
        return json.loads(token.payload)


def user(sandbox, number, state, kyc):
    return sandbox.partner("POST", "/lifecycle/v1/wallet", {
        "firstName": "Anna", "lastName": f"Nowak {number}", "phone": f"48600100{number:03}",
        "email": f"anna.{number}@example.com", "birthDate": "1990-02-03",
        "externalId": f"crm-{number}", "state": state, "kyc": kyc,
    }, key=f"user-{number}", expect=201)["id"]


def form(sandbox, customer):
    picture = (sandbox.data / PICTURE).read_bytes()
    fields = {
        "firstName": "Anna", "lastName": "Nowak", "street": "Prosta", "number": "1",
        "city": "Lublin", "postCode": "20-128", "country": "PL", "nationality": "polish",
        "pesel": "90020312345", "birthDate": "1990-02-03", "documentType": "passport",
        "identityCardNo": "ASD123456", "documentExpirationDate": "2035-01-30", "riskLvl": "LOW",
    }
    line = "antaca-form"
    parts = [f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]
    parts += [f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{PICTURE}"\r\n'
              f"Content-Type: image/jpeg\r\n\r\n".encode() + picture + b"\r\n"
              for name in ("imageFace", "imageFront", "imageBack")]
    body = b"".join(parts) + f"--{line}--\r\n".encode()
    sandbox.partner("POST", f"/secure/customers/{customer}/verification", body, expect=201,
                    headers={"Content-Type": f"multipart/form-data; boundary={line}"})


def balance(sandbox, customer, currency):
    return sandbox.partner("POST", f"/secure/customers/{customer}/balances",
                           {"currency": currency}, key=f"balance-{customer}-{currency}",
                           expect=201)["balanceId"]


def top_up(sandbox, on, amount, currency):
    name = f"top-up-{uuid.uuid4()}"
    return sandbox.partner("POST", f"/secure/balances/{on}/transactions", {
        "type": "topUp", "amount": amount, "currency": currency, "description": "Top-up",
        "externalTransactionId": name,
    }, key=name, expect=201)


def card(sandbox, customer, on, config_id):
    """A virtual card: what a partner is told of it, without number and code."""
    body = {"balanceId": on, "configId": config_id, "dcUserId": customer, "label": "Holidays"}
    key, path = f"card-{uuid.uuid4()}", f"/secure/customers/{customer}/cards/virtual"
    full = sandbox.encrypted("POST", path, body, key=key, expect=201)
    return {"customer": customer, "balance": on, "card": full["id"], "path": path, "key": key,
            "body": body, "lastFour": full["cardNo"][-4:], "expiry": full["exp"]}


def message(of, amount, name, currency="EUR", reference=None, **more):
    said = {"card": {"cardId": of["card"]}, "amount": amount, "currency": currency,
            "transactionId": name, "transactionDate": MOMENT, "description": "Book store", **more}
    if reference is not None:
        said["referenceTransactionId"] = reference
        said["referenceTransactionDate"] = MOMENT
    return said


def purchase(sandbox, of, amount, name, currency="EUR"):
    return sandbox.processor("authorizations", message(
        of, amount, name, currency, kind="authorization", type="pos",
        transactionData={"mcc": "5942", "merchantName": "Book store"}))


def fill(sandbox):
    """Some of everything; answers the cards."""
    first = user(sandbox, 1, "VERIFIED", "SUCCESS")
    second = user(sandbox, 2, "VERIFIED", "SUCCESS")
    new = user(sandbox, 3, "NEW", "NONE")
    sandbox.partner("PUT", f"/lifecycle/v1/users/{new}", {"lastName": "Nowak-Kowalska"}, key="put-1")
    form(sandbox, first)
    euro, zloty = balance(sandbox, first, "EUR"), balance(sandbox, first, "PLN")
    other = balance(sandbox, second, "EUR")
    for on, currency in ((euro, "EUR"), (zloty, "PLN"), (other, "EUR")):
        top_up(sandbox, on, 100_000, currency)
    paying = card(sandbox, first, euro, "0019167984")
    polish = card(sandbox, first, zloty, "0019167987")
    locked = card(sandbox, second, other, "0019167984")

    purchase(sandbox, paying, 1_000, "open")
    purchase(sandbox, paying, 2_000, "cleared")
    sandbox.processor("clearings", message(paying, 2_000, "clearing", reference="cleared"))
    purchase(sandbox, paying, 3_000, "partly")
    sandbox.processor("clearings", message(paying, 1_100, "partial-clearing", reference="partly",
                                           final=False))
    purchase(sandbox, paying, 4_000, "reversed")
    sandbox.processor("reversals", message(paying, 1_500, "part-reversal", reference="reversed"))
    purchase(sandbox, paying, 5_000, "gone")
    sandbox.processor("reversals", message(paying, 5_000, "reversal", reference="gone"))
    purchase(sandbox, paying, 9_999_999, "declined")
    sandbox.processor("clearings", message(paying, 700, "forced"))
    sandbox.processor("reversals", message(paying, 600, "early-reversal", reference="not-yet"))
    purchase(sandbox, polish, 2_500, "polish", "PLN")

    lock = f"/secure/customers/{second}/cards/{locked['card']}/lock"
    sandbox.partner("POST", lock, {"reason": 7}, key="lock-1", expect=204)
    # A refusal is kept with its key too.
    sandbox.partner("POST", lock, {"reason": 3}, key="lock-2", expect=409)
    purchase(sandbox, locked, 100, "locked")
    return [paying, polish, locked]


def main(data, facts):
    sandbox = Sandbox(data)
    cards = fill(sandbox)
    owners = sorted({card["customer"] for card in cards})
    paths = [f"/lifecycle/v1/users/{owner}" for owner in owners]
    paths += [f"/secure/customers/{owner}/balances" for owner in owners]
    paths += [f"/secure/customers/{owner}/cards" for owner in owners]
    paths += [f"/secure/balances/{card['balance']}/transactions" for card in cards]
    facts_told = {
        "madeAt": datetime.now(timezone.utc).isoformat(),
        "moment": MOMENT,
        "cards": cards,
        "early": "not-yet",
        "asked": sandbox.asked,
        "seen": [{"path": path, "answer": sandbox.partner("GET", path)} for path in paths],
    }
    pathlib.Path(facts).write_text(json.dumps(facts_told, indent=1, ensure_ascii=False) + "\n")


main(*sys.argv[1:])
