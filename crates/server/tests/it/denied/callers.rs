//! Those who may not: each with the certificate that it comes with.

use super::Channel;
use crate::story::{Story, decrypted, encrypted, expect, registration, unique};
use crate::support::{Caller, Sandbox, connect};
use crypto::certificates::{Authority, client_key_and_csr};
use crypto::keys::{MasterKey, Passphrase};
use domain::Timestamp;
use serde_json::json;

/// Signed by the sandbox's own authority, by a test that has read its key.
fn authority(sandbox: &Sandbox) -> Authority {
    let read = |name: &str| std::fs::read(sandbox.dir().join(name)).expect("it is in the folder");
    let text = |name: &str| String::from_utf8(read(name)).expect("a text");
    let master =
        MasterKey::from_file(&text("master-key.json"), &Passphrase::new(&text("passphrase")));
    let master = master.expect("the passphrase opens it");
    let key = master.open_file("ca-key", &read("ca-key.sealed")).expect("it is its own");
    let key = std::str::from_utf8(&key).expect("a PEM");
    Authority::from_pem(&text("ca.pem"), key).expect("an authority")
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Certificates that end with the handshake: what each is, itself, its key.
pub(super) fn refused_by_tls(sandbox: &Sandbox) -> Vec<(&'static str, String, String)> {
    let ours = authority(sandbox);
    // It has the name of ours, and another key.
    let stranger = Authority::create("Antaca sandbox CA", time("2026-01-01T00:00:00Z"));
    let (key, csr) = client_key_and_csr("sandbox");
    let signed = |authority: &Authority, days, at| {
        authority.sign_client(&csr, days, time(at)).expect("signed").pem
    };
    let foreign = signed(&stranger, 825, "2026-01-01T00:00:00Z");
    let ended = signed(&ours, 30, "2026-01-01T00:00:00Z");
    let server = ours.sign_server(&["localhost"], 825, time("2026-01-01T00:00:00Z"));
    let (server, server_key) = server.expect("signed");
    vec![
        ("of another authority", foreign, key.to_string()),
        ("ended", ended, key.to_string()),
        ("not for clients", server, server_key.to_string()),
    ]
}

/// What a client with this certificate hears of its request.
pub(super) async fn alert(sandbox: &Sandbox, identity: (&str, &str), request: &str) -> String {
    // With TLS 1.3 the client hears of it with its first read.
    let heard = async {
        let mut connection = connect(sandbox, Some(identity), &[]).await?;
        connection.send(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await?;
        connection.read_all().await
    };
    match heard.await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => error.to_string(),
    }
}

/// A certificate with these words of `ca sign`.
pub(crate) async fn signed(sandbox: &Sandbox, name: &str, more: &[&str]) -> Caller {
    let (key, csr) = client_key_and_csr(name);
    let file = sandbox.dir().join(format!("{name}.csr"));
    std::fs::write(&file, csr).expect("the request can be written");
    let sign = ["ca", "sign", "--csr", file.to_str().expect("a path of text")];
    let signed = sandbox.antaca(&[&sign, more].concat()).await;
    sandbox.with_certificate(&signed.assert_done().stdout, &key)
}

/// A caller that is refused, and how: `None` if it isn't.
pub(super) struct Column<'a> {
    pub(super) what: &'static str,
    pub(super) caller: &'a Caller,
    pub(super) answer: Option<(u16, &'static str)>,
}

/// Callers whose certificate the handshake lets through.
pub(super) struct Callers {
    anonymous: Caller,
    partner: Caller,
    processor: Caller,
    unregistered: Caller,
    revoked_partner: Caller,
    revoked_processor: Caller,
    closed: Caller,
    unscoped: Caller,
    operator: Caller,
}

impl Callers {
    pub(super) async fn of(sandbox: &Sandbox) -> Self {
        let (key, csr) = client_key_and_csr("sandbox");
        let unregistered = authority(sandbox).sign_client(&csr, 825, time("2026-01-01T00:00:00Z"));
        let unregistered = unregistered.expect("signed").pem;
        let partner = ["--partner", "sandbox"];
        let processor = ["--processor", "sandbox-processor"];
        let funding = ["--partner", "sandbox", "--scope", "partner-balance-create"];
        let treasury = ["--operator", "treasury", "--scope", "collateral", "--scope", "iban"];
        let revoked_partner = signed(sandbox, "revoked-partner", &partner).await;
        let revoked_processor = signed(sandbox, "revoked-processor", &processor).await;
        for name in ["revoked-partner", "revoked-processor"] {
            sandbox.antaca(&["ca", "revoke", "--name", name]).await.assert_done();
        }
        sandbox.antaca(&["partner", "create", "--code", "closed"]).await.assert_done();
        let closed = signed(sandbox, "closed", &["--partner", "closed"]).await;
        let close = ["partner", "set", "--code", "closed", "--state", "CLOSED"];
        sandbox.antaca(&close).await.assert_done();
        Self {
            anonymous: sandbox.anonymous().clone(),
            partner: sandbox.partner().clone(),
            processor: sandbox.processor().clone(),
            unregistered: sandbox.with_certificate(&unregistered, &key),
            revoked_partner,
            revoked_processor,
            closed,
            unscoped: signed(sandbox, "unscoped", &funding).await,
            operator: signed(sandbox, "treasury", &treasury).await,
        }
    }

    /// The operator's own system.
    pub(super) fn operator(&self) -> &Caller {
        &self.operator
    }

    /// The right caller of a channel on which a partner is named in a header.
    pub(super) fn named(&self, channel: Channel) -> Option<&Caller> {
        match channel {
            Channel::Lifecycle => Some(&self.partner),
            Channel::Operator => Some(&self.operator),
            Channel::Public
            | Channel::Secure
            | Channel::Creation
            | Channel::Processor
            | Channel::Customers
            | Channel::Admin
            | Channel::Makers
            | Channel::Deciders
            | Channel::Managers
            | Channel::Operators
            | Channel::Platform => None,
        }
    }

    /// Who asks on a channel, and what each is told there.
    pub(super) fn columns(&self, channel: Channel) -> Vec<Column<'_>> {
        let none = Some((401, "CERTIFICATE_REQUIRED"));
        let revoked = Some((401, "CERTIFICATE_REVOKED"));
        let forbidden = Some((403, "FORBIDDEN"));
        let (right, kind, ended) = match channel {
            Channel::Public | Channel::Lifecycle | Channel::Secure => {
                (&self.partner, &self.processor, &self.revoked_partner)
            }
            Channel::Creation => (&self.unscoped, &self.processor, &self.revoked_partner),
            Channel::Operator => (&self.operator, &self.processor, &self.revoked_partner),
            Channel::Processor => (&self.processor, &self.partner, &self.revoked_processor),
            Channel::Customers
            | Channel::Admin
            | Channel::Makers
            | Channel::Deciders
            | Channel::Managers
            | Channel::Operators
            | Channel::Platform => {
                panic!("people have no certificate")
            }
        };
        let lacking = if channel == Channel::Creation { &self.partner } else { &self.unscoped };
        let other = if channel == Channel::Operator { &self.partner } else { &self.operator };
        let columns = [
            ("none", &self.anonymous, none),
            ("not registered", &self.unregistered, revoked),
            ("revoked", ended, revoked),
            ("a closed partner's", &self.closed, revoked),
            ("without the scope", lacking, forbidden),
            ("the operator's, or at the operator's a partner's", other, forbidden),
            ("another kind of caller's", kind, forbidden),
            ("the right one", right, None),
        ];
        let open = channel == Channel::Public;
        columns
            .into_iter()
            .map(|(what, caller, answer)| Column { what, caller, answer: answer.filter(|_| !open) })
            .collect()
    }
}

/// Another partner and another processor, with a user, a balance and a card of their own.
pub(super) struct Strangers {
    pub(super) code: String,
    pub(super) partner: Caller,
    pub(super) processor: Caller,
    pub(super) story: Story,
}

impl Strangers {
    pub(super) async fn of(sandbox: &Sandbox) -> Self {
        let code = format!("other-{}", unique());
        let processor_name = format!("{code}-processor");
        let create = ["partner", "create", "--code", &code, "--kyc-mode", "EXTERNAL"];
        sandbox.antaca(&create).await.assert_done();
        let set = ["partner", "set", "--code", &code, "--step-up", "off"];
        sandbox.antaca(&set).await.assert_done();
        sandbox.antaca(&["processor", "create", "--name", &processor_name]).await.assert_done();
        let program = ["program", "create", "--partner", &code, "--processor", &processor_name];
        let of = ["--config-id", "0019167984", "--card-type", "VIRTUAL", "--currency", "EUR"];
        let create = [&program[..], &of, &["--bin", "53208791"]].concat();
        sandbox.antaca(&create).await.assert_done();
        let of = ["--config-id", "0019167985", "--card-type", "PHYSICAL", "--currency", "EUR"];
        let create = [&program[..], &of, &["--bin", "53208791"]].concat();
        sandbox.antaca(&create).await.assert_done();
        let plastic = ["program", "set", "--partner", &code, "--config-id", "0019167985"];
        let set = [&plastic[..], &["--bureau", "sandbox", "--chip-profile", "TEST"]].concat();
        sandbox.antaca(&set).await.assert_done();
        let partner = signed(sandbox, &code, &["--partner", &code]).await;
        let processor = signed(sandbox, &processor_name, &["--processor", &processor_name]).await;

        let wallet = partner.post("/lifecycle/v1/wallet").header("Issuer-Code", &code);
        let user = expect(201, wallet.json(&registration())).await;
        let customer = user["id"].as_i64().expect("an id");
        let path = format!("/secure/customers/{customer}/balances");
        let made = expect(201, partner.post(&path).json(&json!({ "currency": "EUR" }))).await;
        let balance = made["balanceId"].as_str().expect("an id").to_owned();
        let path = format!("/secure/customers/{customer}/cards/virtual");
        let body = json!({ "balanceId": balance, "configId": "0019167984", "dcUserId": customer });
        let full = decrypted(&expect(201, encrypted(partner.post(&path).json(&body))).await);
        let card = full["id"].as_i64().expect("an id");
        let story = Story { customer, balance, card, full };
        expect(201, story.top_up(&partner, &json!(1_000), "theirs")).await;
        Self { code, partner, processor, story }
    }
}
