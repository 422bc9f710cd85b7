#!/usr/bin/env bash
# From nothing to a card that pays, in a running sandbox:
#
#   antaca sandbox --data antaca-data     in another terminal
#   examples/quickstart.sh antaca-data
#
# The first four steps are the four calls of the quick start, as the documentation shows them. The
# others load the card with money and spend it. It can be run again: the user stays, the balance and
# the card are new each time, until the user has as many cards as the program allows.
#
# Needs curl, python3 with the package jwcrypto, and the program antaca, which plays the card
# network. ANTACA names another antaca than the one on the PATH (or the one that cargo builds here),
# ANTACA_TEST_PYTHON another Python, and QUICKSTART_SECRETS a file that gets the card's number and
# CVV, for a test that looks for them where they must not be.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sandbox=${1:-antaca-data}
python=${ANTACA_TEST_PYTHON:-python3}
if [ -n "${ANTACA:-}" ]; then
    antaca=("$ANTACA")
elif command -v antaca >/dev/null; then
    antaca=(antaca)
else
    antaca=(cargo run --release --quiet --manifest-path "$here/../Cargo.toml" --)
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() {
    printf '%-22s %s\n' "$1" "$2"
}

fail() {
    printf 'quickstart: %s\n' "$1" >&2
    exit 1
}

# Prints one value of the JSON on standard input: `field items 0 id`.
field() {
    "$python" -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[int(name) if isinstance(value, list) else name]
print(value if isinstance(value, str) else json.dumps(value))' "$@"
}

# Calls the sandbox and prints its answer, also that of a refusal, which fails.
call() {
    curl -sS --fail-with-body --max-time 30 --cacert "$ca" "$@"
}

# Prints the answer of a call that must succeed.
answer_of() {
    local what=$1 answer
    shift
    answer=$(call "$@") || fail "$what: ${answer:-no answer}"
    printf '%s' "$answer"
}

unique() {
    "$python" -c 'import uuid; print(uuid.uuid4())'
}

euro() {
    printf '%d.%02d EUR' $(($1 / 100)) $(($1 % 100))
}

# The sandbox's folder tells its address and where the certificates are.
sandbox_file=$sandbox/sandbox.json
[ -f "$sandbox_file" ] \
    || fail "no sandbox is serving from $sandbox; start one with: antaca sandbox --data $sandbox"
"$python" -c 'import jwcrypto' 2>/dev/null \
    || fail "$python has no package jwcrypto; install it with: $python -m pip install jwcrypto"
sandbox=$(cd "$sandbox" && pwd)
host=$(field baseUrl <"$sandbox_file")
ca=$sandbox/$(field ca <"$sandbox_file")
[ "$(field partners 0 issuerCode <"$sandbox_file")" = sandbox ] \
    || fail "the first partner in $sandbox_file isn't the one called sandbox"
cert=$sandbox/$(field partners 0 certificate <"$sandbox_file")
key=$sandbox/$(field partners 0 key <"$sandbox_file")
export no_proxy=localhost,127.0.0.1
step "sandbox" "$host"

# Prints the id of the user that has this e-mail or phone, or nothing.
existing_user() {
    local users
    users=$(answer_of "finding the user" --get "$host/lifecycle/v1/users" \
        --cert "$cert" --key "$key" --header 'Accept: application/json' \
        --header 'Issuer-Code: sandbox' --data-urlencode "$1")
    field items 0 id <<<"$users" 2>/dev/null || true
}

# Step 1: add a user.
if user=$(call -X POST "$host/lifecycle/v1/wallet" \
--cert "$cert" \
--key "$key" \
--header 'Content-Type: application/json' \
--header 'Accept: application/json' \
--header 'Issuer-Code: sandbox' \
--data-raw '{
    "firstName": "John",
    "lastName": "Doe",
    "phone": "481234567899",
    "email": "john.doe@verestro.com",
    "birthDate": "2000-01-01",
    "state": "VERIFIED",
    "kyc": "SUCCESS"
}' 2>"$work/error"); then
    customer=$(field id <<<"$user")
    step "1 user" "created user $customer"
elif [ "$(field title <<<"$user" 2>/dev/null)" = USER_ALREADY_EXISTS ]; then
    customer=$(existing_user email=john.doe@verestro.com)
    [ -n "$customer" ] || customer=$(existing_user phone=481234567899)
    [ -n "$customer" ] || fail "there is a user with this e-mail or phone, but it isn't found"
    step "1 user" "exists from an earlier run: going on with user $customer"
else
    fail "adding a user: ${user:-$(cat "$work/error")}"
fi

# Step 2: create the user's verification form. The pictures are of one grey pixel.
"$python" -c 'import base64, sys; sys.stdout.buffer.write(base64.b64decode(sys.argv[1]))' "
/9j/2wBDAAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB
AQEBAQEBAQEBAQEBAQH/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAA
AAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z" \
    >"$work/someFile.jpg"
form=$(answer_of "creating the form" \
    --location --request POST  "$host/secure/customers/$customer/verification" \
                                 --cert "$cert" \
                                 --key "$key" \
                                 --header 'Content-Type: multipart/form-data' \
                                 --header 'Accept: application/json' \
                                 --form 'firstName=Leon' \
                                 --form 'lastName=Bakiewicz' \
                                 --form "imageFace=@$work/someFile.jpg" \
                                 --form 'street=Pieklo' \
                                 --form 'pesel=70010155587' \
                                 --form 'number=17a' \
                                 --form 'city=Lublin' \
                                 --form 'birthDate=1970-01-01' \
                                 --form 'postCode=20-128' \
                                 --form "imageFront=@$work/someFile.jpg" \
                                 --form "imageBack=@$work/someFile.jpg" \
                                 --form 'identityCardNo=ASD123456' \
                                 --form 'apartment=2' \
                                 --form 'documentType=passport' \
                                 --form 'country=PL' \
                                 --form 'documentExpirationDate=2025-01-30' \
                                 --form 'nationality=polish' \
                                 --form 'riskLvl=LOW')
step "2 verification" "form $(field verificationId <<<"$form") is $(field status <<<"$form")"

# Step 3: create a balance.
created=$(answer_of "creating the balance" \
    --location --request POST  "$host/secure/customers/$customer/balances" \
                                 --cert "$cert" \
                                 --key "$key" \
                                 --header 'Content-Type: application/json' \
                                 --header 'Accept: application/json' \
                                 --data-raw '{
                                    "currency": "EUR"
                                 }')
balance=$(field balanceId <<<"$created")
step "3 balance" "$balance"

# Step 4: create a virtual card. The answer is encrypted for a key made here.
public_key=$("$python" "$here/decrypt.py" new-key "$work/key.pem")
encrypted=$(answer_of "creating the card" \
    --location --request POST  "$host/secure/customers/$customer/cards/virtual" \
                                 --cert "$cert" \
                                 --key "$key" \
                                 --header 'Content-Type: application/json' \
                                 --header 'Accept: application/json' \
                                 --header 'Encrypt-Response: true' \
                                 --header "Public-Key: $public_key" \
                                 --data-raw '{
                                    "balanceId": "'"$balance"'",
                                    "configId": "0019167984",
                                    "dcUserId": '"$customer"'
                                 }')

# Checks the card on standard input and prints its id and what may be shown of it.
check_card() {
    "$python" -c '
import json, os, re, sys
card = json.load(sys.stdin)
number, cvv = card["cardNo"], card["cvv"]
if "QUICKSTART_SECRETS" in os.environ:
    with open(os.environ["QUICKSTART_SECRETS"], "a") as secrets:
        secrets.write(f"{number} {cvv}\n")
doubled = [sum(divmod(int(digit) * 2, 10)) for digit in number[-2::-2]]
if not re.fullmatch("[0-9]{16}", number):
    sys.exit("quickstart: the card number has not 16 digits")
if (sum(doubled) + sum(map(int, number[::-2]))) % 10:
    sys.exit("quickstart: the card number has a wrong check digit")
if not re.fullmatch("[0-9]{3}", cvv):
    sys.exit("quickstart: the CVV has not 3 digits")
if card["type"] != "VIRTUAL" or not re.fullmatch("20[0-9]{2}-[0-9]{2}-[0-9]{2}", card["exp"]):
    sys.exit("quickstart: the card is not virtual or has no date of expiry")
print(card["id"], number[:6] + "******" + number[-4:], card["exp"])'
}
decrypt() {
    "$python" "$here/decrypt.py" decrypt "$work/key.pem"
}
read -r card number expires < <(printf '%s' "$encrypted" | decrypt | check_card) \
    || fail "the card couldn't be decrypted, or isn't as it should be"
step "4 card" "card $card, number $number, valid until $expires"

# Prints the balance, which must be as expected: what can be spent, and what is held.
expect_balance() {
    local now amount held
    now=$(answer_of "reading the balance" "$host/secure/customers/$customer/balances/$balance" \
        --cert "$cert" --key "$key" --header 'Accept: application/json')
    amount=$(field amount <<<"$now")
    held=$(field blockedAmount <<<"$now")
    if [ "$amount" != "$1" ] || [ "$held" != "$2" ]; then
        fail "the balance is $amount with $held held; expected were $1 and $2"
    fi
    step "" "balance $(euro "$amount"), held $(euro "$held")"
}

# Plays the card network against the sandbox and prints the answer.
simulate() {
    "${antaca[@]}" simulate "$@" --data "$sandbox"
}

# Fails unless a value of an answer is the expected one.
expect() {
    local answer=$1 name=$2 expected=$3 found
    found=$(field "$name" <<<"$answer")
    [ "$found" = "$expected" ] || fail "$name is $found, expected was $expected"
}

expect_balance 0 0

# Step 5: load money.
answer_of "loading money" -X POST "$host/secure/balances/$balance/transactions" \
    --cert "$cert" --key "$key" \
    --header 'Content-Type: application/json' --header 'Accept: application/json' \
    --header "X-Idempotency-Key: $(unique)" \
    --data-raw '{
        "type": "topUp",
        "amount": 10000,
        "currency": "EUR",
        "description": "First top-up",
        "externalTransactionId": "'"$(unique)"'"
    }' >/dev/null
step "5 top-up" "$(euro 10000)"
expect_balance 10000 0

# Step 6: buy something, and the shop collects the money.
bought=$(simulate purchase --card "$card" --amount 1234 --merchant "Book store" --mcc 5942)
expect "$bought" approved true
expect "$bought" actionCode 0000
step "6 purchase" "$(euro 1234) approved, code $(field authorizationCode <<<"$bought")"
expect_balance 8766 1234

cleared=$(simulate clear --card "$card" --amount 1234 \
    --reference "$(field transactionId <<<"$bought")" \
    --reference-date "$(field transactionDate <<<"$bought")")
expect "$cleared" accepted true
expect "$cleared" status CLEARED
step "7 clearing" "$(euro 1234) collected"
expect_balance 8766 0

# Step 8: buy something, and the shop calls it off.
bought=$(simulate purchase --card "$card" --amount 2000 --merchant "Shoe shop" --mcc 5661)
expect "$bought" approved true
step "8 purchase" "$(euro 2000) approved, code $(field authorizationCode <<<"$bought")"
expect_balance 6766 2000

reversed=$(simulate reverse --card "$card" --amount 2000 \
    --reference "$(field transactionId <<<"$bought")" \
    --reference-date "$(field transactionDate <<<"$bought")")
expect "$reversed" accepted true
expect "$reversed" status REVERSED
step "9 reversal" "$(euro 2000) released"
expect_balance 8766 0

# Step 10: one cent too much.
declined=$(simulate purchase --card "$card" --amount 8767 --merchant "Jeweller" --mcc 5944)
expect "$declined" approved false
expect "$declined" description INSUFFICIENT_FUNDS
expect "$declined" actionCode 1016
step "10 purchase" "$(euro 8767) declined: INSUFFICIENT_FUNDS"
expect_balance 8766 0

step "done" "the quick start works"
