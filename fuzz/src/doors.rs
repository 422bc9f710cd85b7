//! The router of a running application on SQLite, and what its answers always are.
//!
//! What an input does stays done: a later one finds a card locked or a name taken. So it is for
//! callers too, but an input that fails may need those before it to fail again.

use crate::jwe;
use api::{Limits, Options, Pages, Peer};
use app::audit::Operator;
use app::certificates::{Holder, Sign};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use crypto::certificates::{Authority, certificate_der, client_key_and_csr, fingerprint};
use domain::Timestamp;
use domain::balance::PartnerBalanceKind;
use domain::ids::BalanceId;
use serde_json::Value;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use testkit::{Database, Funded, TestApp, luhn_runs};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Real time, as far as certificates are concerned.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
/// Bytes of an answer at most: a statement as PDF, or a page of 200 transactions.
const ANSWER_MAX: usize = 8 * 1024 * 1024;
/// After so many requests SQLite's log is copied: nothing else here does it.
const REQUESTS_PER_CHECKPOINT: u64 = 4096;

/// What is tried here isn't how much a caller may take.
const GENEROUS: Limits = Limits {
    requests_per_second: 0,
    processor_requests_per_second: 0,
    anonymous_requests_per_second: 0,
    requests_at_once: 1024,
    processor_requests_at_once: 1024,
    forms_at_once: 16,
    request_time: Duration::from_secs(10),
};

static DOORS: LazyLock<Doors> = LazyLock::new(Doors::open);

/// The doors, and what is behind them.
pub(crate) struct Doors {
    runtime: Runtime,
    node: TestApp,
    router: Router,
    /// A partner's back end, with every scope.
    pub(crate) partner: Peer,
    /// The processor of the partner's cards.
    pub(crate) processor: Peer,
    /// A system of the operator's own, with every scope.
    pub(crate) operator: Peer,
    funded: Funded,
    /// Its card and user may be locked for good.
    other: Funded,
    /// The partner's own.
    deposit: BalanceId,
    asked: AtomicU64,
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Doors {
    /// Those of this process.
    pub(crate) fn get() -> &'static Self {
        &DOORS
    }

    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let node = runtime.block_on(TestApp::on(Database::Sqlite));
        let authority = Authority::create("test authority", NOW);
        let sign = |name, holder, scopes| {
            let signed = signed(&node, &authority, name, (holder, scopes));
            runtime.block_on(signed)
        };
        let partner = Holder::Partner(node.scope.partner());
        let processor = Holder::Processor(node.processor);
        let system = Holder::Operator("system".to_owned());
        let kept = runtime.block_on(node.app.prepare_jwe_keys(Some(jwe::rfc7516()), NOW));
        kept.expect("the key is kept");
        let options = Options {
            private_operations: NonZero::<u32>::MAX,
            real_time: Arc::new(|| NOW),
            authority: None,
            sandbox: None,
            limits: GENEROUS,
            pages: Pages::none(),
        };
        Self {
            router: api::router(node.app.clone(), options),
            partner: sign("partner", partner, &["secure", "partner-balance-create"]),
            processor: sign("processor", processor, &["processor"]),
            operator: sign("system", system, &["collateral", "iban"]),
            funded: runtime.block_on(node.funded(1_000_000)),
            other: runtime.block_on(node.funded(0)),
            deposit: runtime.block_on(node.partner_balance(PartnerBalanceKind::Deposit)),
            asked: AtomicU64::new(0),
            node,
            runtime,
        }
    }

    /// An input with its placeholders filled in: what inputs name can't be known before.
    pub(crate) fn filled(&self, text: &str) -> String {
        let Self { funded, other, .. } = self;
        let name = format!("n{}", self.asked.load(Ordering::Relaxed));
        [
            ("@card", funded.card.0.to_string()),
            ("@user", funded.user.0.to_string()),
            ("@balance", funded.balance.0.to_string()),
            ("@other-card", other.card.0.to_string()),
            ("@other-user", other.user.0.to_string()),
            ("@other-balance", other.balance.0.to_string()),
            ("@deposit", self.deposit.0.to_string()),
            ("@key", jwe::KEY.public_header()),
            ("@new", name),
        ]
        .iter()
        .fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
    }

    /// A request of this caller, under a key of its own.
    pub(crate) fn request(&self, peer: &Peer, method: &str, target: &str) -> Builder {
        let name = self.asked.fetch_add(1, Ordering::Relaxed);
        Request::builder()
            .method(method)
            .uri(self.filled(target))
            .extension(peer.clone())
            .header("issuer-code", "sandbox")
            .header("x-idempotency-key", format!("key-{name}"))
    }

    /// Sends a request, if HTTP allows it at all, and checks what every answer must be: no failure
    /// of ours, and a refusal tells neither a card number nor what was sent.
    pub(crate) fn ask(&self, request: Builder, body: impl Into<Body>) -> Option<Answer> {
        let request = request.body(body.into()).ok()?;
        let asked = format!("{} {}", request.method(), request.uri());
        let answer = self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.expect("can't fail");
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, ANSWER_MAX).await.expect("a body");
            Answer { status: parts.status, headers: parts.headers, body: body.to_vec() }
        });
        let told = String::from_utf8_lossy(&answer.body);
        assert!(!answer.status.is_server_error(), "{} {told} to {asked}", answer.status);
        if !answer.status.is_success() {
            assert!(!told.contains(crate::SECRET), "{told} repeats what {asked} sent");
            assert_eq!(luhn_runs(&answer.body), Vec::<String>::new(), "to {asked}");
        }
        if self.asked.load(Ordering::Relaxed).is_multiple_of(REQUESTS_PER_CHECKPOINT) {
            self.node.app.db.checkpoint().expect("a checkpoint");
        }
        Some(answer)
    }
}

/// A caller with a certificate of this name.
async fn signed(
    node: &TestApp,
    authority: &Authority,
    name: &str,
    (holder, scopes): (Holder, &[&str]),
) -> Peer {
    let (_, csr) = client_key_and_csr(name);
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let command = Sign { csr, holder, scopes, days: 30 };
    let operator = Operator("os:test".to_owned());
    let pem = node.app.sign_certificate(&operator, authority, command, NOW).await.expect("signs");
    let certificate = Some(fingerprint(&certificate_der(&pem).expect("a certificate")));
    Peer { certificate, address: None }
}
