//! What a sandbox tells when it is ready: the quick start as commands that can be pasted.

use super::file::base_url;
use super::partner::PARTNER;
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::secrets::CA;
use crypto::jwe::PrivateKey;
use std::net::SocketAddr;
use std::path::Path;

/// The key of a demonstration user: cards are encrypted for it.
const USER_KEY: &str = "user.key";
const USER_PUBLIC: &str = "user-public.pem";
/// A picture for the verification form.
const PICTURE: &str = "picture.jpg";

/// A JPEG of one grey pixel: what comes before its table, the table, and the rest.
const PICTURE_HEAD: &[u8] = &[0xFF, 0xD8, 0xFF, 0xDB, 0x00, 0x43, 0x00];
const PICTURE_TABLE: [u8; 64] = [1; 64];
const PICTURE_REST: &[u8] = &[
    0xFF, 0xC0, 0x00, 0x0B, 0x08, 0x00, 0x01, 0x00, 0x01, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xC4, 0x00,
    0x14, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xFF, 0xC4, 0x00, 0x14, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xDA, 0x00, 0x08, 0x01, 0x01, 0x00,
    0x00, 0x3F, 0x00, 0x3F, 0xFF, 0xD9,
];

/// Makes the files that the commands name, unless they are there.
pub(super) fn prepare(folder: &Folder) -> Result<(), Failure> {
    if !folder.path(USER_PUBLIC).exists() {
        let key = PrivateKey::generate();
        folder.write(USER_KEY, key.to_pkcs8_pem().as_bytes(), Readers::Owner)?;
        folder.write(USER_PUBLIC, key.public_pem().as_bytes(), Readers::Owner)?;
    }
    if !folder.path(PICTURE).exists() {
        let picture = [PICTURE_HEAD, &PICTURE_TABLE, PICTURE_REST].concat();
        folder.write(PICTURE, &picture, Readers::Owner)?;
    }
    Ok(())
}

/// The commands, with this sandbox's address and files.
pub(super) fn text(data: &Path, listen: SocketAddr, operations: SocketAddr) -> String {
    let dir = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let file = |name: &str| quoted(&dir.join(name).display().to_string());
    let host = base_url(listen);
    let curl = format!(
        "curl --cacert {} --cert {} --key {} -H 'Accept: application/json'",
        file(CA),
        file(&format!("{PARTNER}.pem")),
        file(&format!("{PARTNER}.key")),
    );
    let dir = quoted(&dir.display().to_string());
    let (ca, picture, public) = (file(CA), file(PICTURE), file(USER_PUBLIC));
    format!(
        r#"Antaca sandbox: {host}
Health checks:  http://{operations}/health/ready
Documents:      {host}/docs (a browser must trust {ca})
Panel:          {host}/panel (accounts and passwords: "admins" in sandbox.json; a code to sign in
                with: antaca simulate code --data {dir} --email admin@{PARTNER}.example)
Data folder:    {dir} (sandbox.json has all addresses and files)

# 1. Add a user. Put the id of the answer into CUSTOMER.
{curl} \
  -H 'Issuer-Code: {PARTNER}' -H 'Content-Type: application/json' \
  {host}/lifecycle/v1/wallet --data-raw '{{"firstName": "John", "lastName": "Doe",
  "phone": "481234567899", "email": "john.doe@verestro.com", "birthDate": "2000-01-01",
  "state": "VERIFIED", "kyc": "SUCCESS"}}'
CUSTOMER=

# 2. Create the user's verification form.
{curl} \
  {host}/secure/customers/$CUSTOMER/verification \
  -F firstName=Leon -F lastName=Bakiewicz -F street=Pieklo -F number=17a -F apartment=2 \
  -F city=Lublin -F postCode=20-128 -F country=PL -F nationality=polish -F pesel=70010155587 \
  -F birthDate=1970-01-01 -F documentType=passport -F identityCardNo=ASD123456 \
  -F documentExpirationDate=2025-01-30 -F riskLvl=LOW \
  -F imageFace=@{picture} -F imageFront=@{picture} -F imageBack=@{picture}

# 3. Create the user's balance. Put the balanceId of the answer into BALANCE.
{curl} \
  -H 'Content-Type: application/json' \
  {host}/secure/customers/$CUSTOMER/balances --data-raw '{{"currency": "EUR"}}'
BALANCE=

# 4. Create a virtual card. The answer is encrypted for the key user.key of the data folder.
{curl} \
  -H 'Content-Type: application/json' -H 'Encrypt-Response: true' \
  -H "Public-Key: $(openssl base64 -A -in {public})" \
  {host}/secure/customers/$CUSTOMER/cards/virtual \
  --data-raw '{{"balanceId": "'$BALANCE'", "configId": "0019167984", "dcUserId": '$CUSTOMER'}}'

# 5. See the user's cards, masked. Put the card's id into CARD.
{curl} \
  {host}/secure/customers/$CUSTOMER/cards
CARD=

# 6. Load 100 euro.
{curl} \
  -H 'Content-Type: application/json' {host}/secure/balances/$BALANCE/transactions \
  --data-raw '{{"type": "topUp", "amount": 10000, "currency": "EUR",
  "description": "First top-up", "externalTransactionId": "top-up-1"}}'

# 7. Buy a book. Put transactionId and transactionDate of the answer into ID and DATE.
antaca simulate purchase --data {dir} --card $CARD --amount 1234 \
  --merchant 'Book store' --mcc 5942
ID= DATE=

# 8. The shop collects the money.
antaca simulate clear --data {dir} --card $CARD --amount 1234 \
  --reference $ID --reference-date $DATE

# 9. Or, instead of that, it calls the purchase off.
antaca simulate reverse --data {dir} --card $CARD --amount 1234 \
  --reference $ID --reference-date $DATE

Ready. Ctrl-C ends the sandbox; starting it again keeps everything."#
    )
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted("/a/b-c.d"), "/a/b-c.d");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }

    #[test]
    fn the_commands_name_this_sandbox() {
        let (listen, operations) = (([127, 0, 0, 1], 4711).into(), ([127, 0, 0, 1], 4712).into());
        let text = text(Path::new("/data"), listen, operations);
        assert!(text.contains("https://localhost:4711/lifecycle/v1/wallet"));
        assert!(
            text.contains("https://localhost:4711/docs ") && text.contains("trust /data/ca.pem")
        );
        assert!(text.contains("http://127.0.0.1:4712/health/ready"));
        assert!(text.contains("--cert /data/sandbox.pem --key /data/sandbox.key"));
        assert!(testkit::luhn_runs(text.as_bytes()).is_empty());
    }
}
