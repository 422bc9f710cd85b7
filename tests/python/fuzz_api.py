"""Plays generated requests against a running sandbox and checks every answer.

    python tests/python/fuzz_api.py DATA_FOLDER REQUESTS [SEED]

The requests come from the documents that the sandbox serves, good and bad ones in turn, by
schemathesis. Some are given ids that exist, keys that fit and bodies that are encrypted, so that
they get behind the doors. An answer fails if its status, media type or body isn't what the document
says, if it is a 5xx, or if it takes more than two seconds.
"""

import base64
import datetime
import json
import multiprocessing
import os
import random
import string
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import hypothesis
import hypothesis.errors
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from jwcrypto import jwe, jwk
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

CHANNELS = ("secure", "lifecycle", "thc", "processor", "sandbox")
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
SECONDS_MAX = float(os.environ.get("ANTACA_FUZZ_SECONDS", "2"))
BATCH = 50
KEPT = 200
SHOWN = 10


class Sandbox:
    """Where it is, and connections to it with its three certificates."""

    def __init__(self, folder):
        self.folder = Path(folder)
        told = json.loads((self.folder / "sandbox.json").read_text())
        self.url = told["baseUrl"]
        partner = told["partners"][0]
        self.issuer = partner["issuerCode"]
        self.programs = [program["configId"] for program in partner["programs"]]
        self.currencies = sorted({program["currency"] for program in partner["programs"]})
        self.ca = str(self.folder / told["ca"])
        self.partner = self.session(partner)
        self.processor = self.session(told["processor"])
        self.key = jwk.JWK.from_pem((self.folder / told["jwePublicKey"]).read_bytes())
        own = jwk.JWK.generate(kty="RSA", size=2048)
        self.public_key = base64.b64encode(own.export_to_pem()).decode()

    def session(self, who):
        session = requests.Session()
        session.verify = self.ca
        session.trust_env = False
        session.cert = tuple(str(self.folder / who[name]) for name in ("certificate", "key"))
        return session

    def caller(self, channel):
        return self.processor if channel == "processor" else self.partner

    def encrypted(self, body):
        header = json.dumps({"alg": "RSA-OAEP-256", "enc": "A256GCM"})
        token = jwe.JWE(json.dumps(body).encode(), header)
        token.add_recipient(self.key)
        return {"payload": token.serialize(compact=True)}


class Known:
    """Ids that exist, by the name that paths have for them."""

    def __init__(self):
        names = ("customerId", "balanceId", "cardId", "transactionId", "recordId")
        self.ids = {name: [] for name in names}
        self.networks = []

    def add(self, name, value):
        if value is not None:
            kept = self.ids[name]
            if len(kept) >= KEPT:
                kept.pop(len(kept) // 2)
            kept.append(value)

    def learn(self, case, body):
        """What an answer tells of what exists now."""
        if not isinstance(body, dict):
            return
        path = case.operation.path
        if path == "/lifecycle/v1/wallet":
            self.add("customerId", body.get("id"))
        elif path.endswith("/balances"):
            self.add("balanceId", body.get("balanceId"))
        elif path == "/thc/transactions":
            self.add("recordId", body.get("id"))
        elif path.endswith("/transactions") or path == "/processor/v1/authorizations":
            self.add("transactionId", body.get("id"))
        elif path.endswith("/cards"):
            for card in body.get("items", []):
                self.add("cardId", card["id"])


def told_to_exist(sandbox, known, rng):
    """A user, balances with money and cards, made as a partner makes them."""
    session = sandbox.partner

    def post(path, body, **headers):
        answer = session.post(sandbox.url + path, json=body, headers=headers, timeout=30)
        assert answer.status_code in (200, 201), (path, answer.status_code, answer.text)
        return answer.json()

    for _ in range(3):
        digits = "".join(rng.choices(string.digits, k=12))
        user = post(
            "/lifecycle/v1/wallet",
            {
                "firstName": "John",
                "lastName": "Doe",
                "phone": "+48" + digits[:9],
                "email": f"john.{digits}@example.com",
                "birthDate": "1990-05-17",
                "state": "VERIFIED",
                "kyc": "SUCCESS",
            },
            **{"Issuer-Code": sandbox.issuer},
        )["id"]
        known.add("customerId", user)
        balance = post(f"/secure/customers/{user}/balances", {"currency": "EUR"})["balanceId"]
        known.add("balanceId", balance)
        for number in range(2):
            topped = post(
                f"/secure/balances/{balance}/transactions",
                {
                    "type": "topUp",
                    "amount": 10_000_000,
                    "currency": "EUR",
                    "description": "Seed",
                    "externalTransactionId": f"seed-{digits}-{number}",
                },
            )
            known.add("transactionId", topped["id"])
        post(
            f"/secure/customers/{user}/cards/virtual",
            {"balanceId": balance, "configId": sandbox.programs[0]},
            **{"Encrypt-Response": "true", "Public-Key": sandbox.public_key},
        )
        listed = session.get(f"{sandbox.url}/secure/customers/{user}/cards", timeout=30).json()
        for card in listed["items"]:
            known.add("cardId", card["id"])


def grounded(case, channel, sandbox, known, rng):
    """Gives a request what only somebody who knows the instance can know."""

    def mostly():
        return rng.random() < 0.8

    for name, ids in known.ids.items():
        if case.path_parameters and name in case.path_parameters and ids and mostly():
            case.path_parameters[name] = rng.choice(ids)
    headers = case.headers
    for name in ("Encrypted-Request", "Encrypt-Response", "Public-Key"):
        if rng.random() < 0.9:
            headers.pop(name, None)
    if channel == "lifecycle" and rng.random() < 0.95:
        headers["Issuer-Code"] = sandbox.issuer
    if channel == "processor" and rng.random() < 0.95:
        headers["X-Idempotency-Key"] = f"key-{rng.randrange(10**9)}"
    body = case.body if isinstance(case.body, dict) else {}
    one_of = {
        "balanceId": known.ids["balanceId"],
        "dcUserId": known.ids["customerId"],
        "userId": known.ids["customerId"],
        "configId": sandbox.programs,
        "currency": sandbox.currencies,
        "referenceTransactionId": known.networks,
    }
    for name, values in one_of.items():
        if name in body and values and mostly():
            body[name] = rng.choice(values)
    if channel == "processor" and isinstance(body.get("card"), dict) and mostly():
        body["card"] = {"cardId": rng.choice(known.ids["cardId"])}
    if "amount" in body and mostly():
        body["amount"] = rng.randrange(1, 2_000)
    if channel == "processor" and isinstance(body.get("transactionId"), str):
        known.networks[KEPT:] = []
        known.networks.insert(0, body["transactionId"])
    # The clock shall not outrun the cards, nor anybody be called who isn't ours.
    if isinstance(body.get("advanceSeconds"), int):
        body["advanceSeconds"] %= 10
    for name in ("baseUrl", "trustedCa", "kycMode"):
        body.pop(name, None)
    # What must be shown encrypted, and some of the rest, asks for it rightly.
    demanded = "/cards/" in case.operation.path and mostly()
    if demanded or rng.random() < 0.02:
        headers["Encrypt-Response"] = "true"
        headers["Public-Key"] = sandbox.public_key
    if body and case.media_type == "application/json" and rng.random() < 0.03:
        headers["Encrypted-Request"] = "true"
        headers["Public-Key"] = sandbox.public_key
        case.body = sandbox.encrypted(body)


class Tally:
    """What came of the requests of one worker."""

    def __init__(self):
        self.seconds = []
        self.statuses = {}
        self.failures = []

    def add(self, name, status, seconds):
        self.seconds.append(seconds)
        key = (name, status)
        self.statuses[key] = self.statuses.get(key, 0) + 1
        if seconds > SECONDS_MAX:
            self.fail(name, f"took {seconds:.1f} s")

    def fail(self, name, what):
        if len(self.failures) < KEPT:
            self.failures.append((name, what))


def play(operation, mode, budget, seed, context):
    """Sends up to `budget` requests of one operation; tells how many."""
    channel, sandbox, known, tally, rng = context
    name = f"{operation.method.upper()} {operation.path}"
    checks = [CHECKS.get_one(check) for check in CHECKED]
    sent = 0

    @seeded(seed)
    @settings(
        max_examples=budget,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        nonlocal sent
        if sent >= budget:
            return
        grounded(case, channel, sandbox, known, rng)
        begun = time.monotonic()
        try:
            answer = case.call(
                base_url=sandbox.url, session=sandbox.caller(channel), timeout=30, verify=sandbox.ca
            )
        except (requests.exceptions.InvalidHeader, UnicodeError, ValueError):
            return  # It can't be sent at all.
        except requests.RequestException as error:
            sent += 1
            tally.fail(name, f"no answer: {type(error).__name__}")
            return
        sent += 1
        tally.add(name, answer.status_code, time.monotonic() - begun)
        try:
            case.validate_response(answer, checks=checks)
        # Several failures are a group that is no Exception.
        except (Exception, BaseExceptionGroup) as failure:
            tally.fail(name, f"{answer.status_code}: {str(failure)[:1500]}")
        # Files are what the documents say, which was checked above; nothing is learnt from them.
        is_json = "json" in answer.headers.get("Content-Type", "")
        if answer.status_code in (200, 201) and is_json:
            try:
                known.learn(case, answer.json())
            except ValueError:
                tally.fail(name, "a success isn't JSON")

    try:
        run()
    except hypothesis.errors.HypothesisException:
        return sent  # Nothing of this mode can be generated for it.
    return sent


def documents(sandbox, tally, rng):
    """The documents and the page take no certificate, and no name breaks them."""
    names = ["secure.json", "lifecycle.json", "thc.json", "processor.json"]
    names += ["docs.js", "swagger-ui.css"]
    odd = "".join(rng.choices(string.printable.strip() + "żλ", k=rng.randrange(1, 40)))
    name = rng.choice([*names, odd.replace("/", "").replace("?", "").replace("#", "") or "x"])
    path = rng.choice(["/docs", f"/docs/{name}", f"/openapi/{name}"])
    method = rng.choice(["GET", "GET", "GET", "HEAD", "POST", "DELETE"])
    begun = time.monotonic()
    answer = requests.request(method, sandbox.url + path, verify=sandbox.ca, timeout=30)
    tally.add("documents", answer.status_code, time.monotonic() - begun)
    if answer.status_code not in (200, 404, 405, 400):
        tally.fail("documents", f"{method} {path!r}: {answer.status_code}")


def work(arguments):
    """One process's share."""
    folder, quota, seed = arguments
    warnings.simplefilter("ignore")
    load_all_checks()
    rng = random.Random(seed)
    sandbox, known, tally = Sandbox(folder), Known(), Tally()
    told_to_exist(sandbox, known, rng)
    operations = []
    for channel in CHANNELS:
        url = f"{sandbox.url}/openapi/{channel}.json"
        document = requests.get(url, verify=sandbox.ca, timeout=30).json()
        validate(document)
        schema = schemathesis.openapi.from_dict(document)
        found = [(channel, result.ok()) for result in schema.get_all_operations()]
        # Messages of processors are where the money moves.
        operations.extend(found * (4 if channel == "processor" else 1))
    schemathesis.openapi.format("date", st.dates(min_value=datetime.date(1930, 1, 1)).map(str))
    years = [datetime.datetime(year, 1, 1) for year in (1990, 2100)]
    moments = st.datetimes(min_value=years[0], max_value=years[1])
    schemathesis.openapi.format("date-time", moments.map(lambda at: at.isoformat() + "Z"))
    sent = 0
    while sent < quota:
        channel, operation = rng.choice(operations)
        mode = rng.choice([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
        budget = min(BATCH, quota - sent)
        context = (channel, sandbox, known, tally, rng)
        sent += play(operation, mode, budget, rng.getrandbits(32), context)
        if sent < quota:
            documents(sandbox, tally, rng)
            sent += 1
    return tally


def main():
    folder, requests_wanted = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**31)
    workers = min(os.cpu_count() or 1, 8)
    shares = [requests_wanted // workers] * workers
    shares[0] += requests_wanted - sum(shares)
    begun = time.monotonic()
    print(f"seed {seed}, {workers} workers", flush=True)
    # Unlike a pool of multiprocessing it fails, and doesn't wait, when a worker is lost.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        given_out = [(folder, share, seed + n) for n, share in enumerate(shares)]
        tallies = list(pool.map(work, given_out))
    took = time.monotonic() - begun
    seconds = sorted(one for tally in tallies for one in tally.seconds)
    statuses = {}
    for tally in tallies:
        for (_, status), count in tally.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    print(f"{len(seconds)} requests in {took:.0f} s: {dict(sorted(statuses.items()))}")
    at = [seconds[min(int(len(seconds) * part), len(seconds) - 1)] * 1000 for part in (0.5, 0.99, 1)]
    print("milliseconds: p50 {:.0f}, p99 {:.0f}, longest {:.0f}".format(*at))
    failures = [failure for tally in tallies for failure in tally.failures]
    different = {}
    for name, what in failures:
        different.setdefault((name, what.split("\n")[0]), what)
    for (name, _), what in list(different.items())[:SHOWN]:
        print(f"\nFAILED {name}: {what}")
    if failures:
        print(f"\n{len(failures)} failures, {len(different)} different ones; seed {seed}")
        sys.exit(1)


if __name__ == "__main__":
    main()
