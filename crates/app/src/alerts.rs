//! Low-balance alerts: who is told that a partner's own balance runs low (spec "Partner balances").
//!
//! What counts is what can be spent, posted less held: at the moment at which that is gone, cards
//! are declined. Balances are looked at every few seconds, beside the engine and without a lock of
//! theirs. That a balance has fallen, and the e-mail that tells it, are committed together before
//! anything is sent, under the lock of the alert's row: of several nodes one sees the fall, and one
//! sends. A try is claimed by a lease; what became of a try that its node didn't survive isn't
//! known, so the same message, with the same `Message-ID`, is sent again when the lease is over.
//!
//! Times are real time, as the outbox's are.

use crate::audit::{Operator, change_json};
use crate::error::Chain;
use crate::{App, Error, ids};
use domain::Timestamp;
use domain::alert::{Change, MailAddress, Rule, pause_after};
use domain::ids::{BalanceId, PartnerId};
use domain::scope::Scope;
use jiff::SignedDuration;
use outbound::mail::{LowBalance, MailError, Mailer, SEND_TIMEOUT, Sent};
use serde_json::{Value, json};
use std::time::Duration;
use store::alerts::{self, Alert, Look, Mail};
use store::db::Tx;
use store::{balances, instance};
use uuid::Uuid;

/// How long a claim holds: longer than a try may take, and what writing its result may.
const LEASE: Duration = SEND_TIMEOUT.saturating_mul(2);
/// How long a try that goes on may go on when the process is to end.
const LAST_TRY: Duration = Duration::from_secs(5);

/// An alert as the command line shows it.
#[must_use]
pub fn alert_json(alert: &Alert) -> Value {
    let Alert { rule, low_since, mail, .. } = alert;
    let texts = |all: &[MailAddress]| -> Value {
        all.iter().map(|address| Value::from(address.as_str())).collect()
    };
    json!({
        "below": rule.threshold().minor(),
        "to": texts(rule.addresses()),
        "lowSince": low_since.map(|since| since.to_string()),
        "unsent": mail.as_ref().map(|mail| json!({
            "to": texts(&mail.to),
            "attempts": mail.attempts,
            "nextAt": mail.next_at.to_string(),
        })),
    })
}

impl App {
    /// The alerts of a partner's balances.
    pub async fn alerts(&self, scope: Scope) -> Result<Vec<Alert>, Error> {
        let mut tx = self.db.read().await?;
        let found = alerts::list(&mut tx, scope).await;
        Ok(tx.end(found).await?)
    }

    /// Whether there is any alert.
    pub async fn has_alerts(&self) -> Result<bool, Error> {
        let mut tx = self.db.read().await?;
        let found = alerts::count(&mut tx, &self.all_partners()).await;
        Ok(tx.end(found).await? > 0)
    }

    /// Sets who is told below which amount, or with no rule that nobody is. Of another threshold a
    /// low balance is told anew; what is still to be sent goes to the new addresses too.
    pub async fn set_alert(
        &self,
        operator: &Operator,
        (partner, balance): (PartnerId, BalanceId),
        rule: Option<Rule>,
    ) -> Result<Option<Alert>, Error> {
        let mut tx = self.db.begin().await?;
        let set = self.set_alert_in(&mut tx, operator, (partner, balance), rule).await;
        tx.end(set).await
    }

    async fn set_alert_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        (partner, balance): (PartnerId, BalanceId),
        rule: Option<Rule>,
    ) -> Result<Option<Alert>, Error> {
        // First, since it locks: what two operators do at once is done one after the other.
        instance::raise_settings_version(tx).await?;
        let scope = Scope::platform(partner, "the operator sets an alert");
        let held = alerts::find_locked(tx, scope, balance).await?;
        if held.as_ref().map(|alert| &alert.rule) == rule.as_ref() {
            return Ok(held);
        }
        let before = self.rule_facts(partner, balance, held.as_ref().map(|alert| &alert.rule));
        let after = self.rule_facts(partner, balance, rule.as_ref());
        let now = self.outbox.now();
        let alert = match (held, rule) {
            (_, None) => {
                alerts::delete(tx, scope, balance).await?;
                None
            }
            (None, Some(rule)) => {
                alerts::insert(tx, scope, balance, &rule, now).await?;
                Some(Alert { partner, balance, rule, low_since: None, mail: None })
            }
            (Some(held), Some(rule)) => {
                let alert = changed(held, rule);
                alerts::update(tx, &alert, now).await?;
                Some(alert)
            }
        };
        let detail = change_json(&before, &after);
        let id = balance.0.to_string();
        let act = ("partner-balance.alert", id.as_str(), &detail);
        self.record_act(tx, operator, partner, act).await?;
        Ok(alert)
    }

    /// What an audit record tells of a rule: addresses may be people's, so of them the digest.
    fn rule_facts(&self, partner: PartnerId, balance: BalanceId, rule: Option<&Rule>) -> Value {
        let Some(rule) = rule else { return json!({}) };
        let digests = self.digests(partner, format!("alert/{}", balance.0));
        let told: Vec<&str> = rule.addresses().iter().map(MailAddress::as_str).collect();
        json!({
            "below": rule.threshold().minor(),
            "to": digests.of("to", Some(&told.join(" "))),
        })
    }

    pub(crate) fn all_partners(&self) -> Vec<PartnerId> {
        self.settings.get().partners().iter().map(|partner| partner.id).collect()
    }

    /// Looks at all balances that have an alert, and notes what has fallen and what has recovered;
    /// how many.
    pub async fn look_at_balances(&self) -> Result<u64, Error> {
        let mut tx = self.db.read().await?;
        let looks = alerts::look(&mut tx, &self.all_partners()).await;
        let mut count = 0;
        for look in tx.end(looks).await? {
            if judge(&look).is_some() {
                let mut tx = self.db.begin().await?;
                let noted = self.note(&mut tx, &look).await;
                count += u64::from(tx.end(noted).await?);
            }
        }
        Ok(count)
    }

    /// Judges again under the alert's lock, by the balance as it is now: what was seen may be old,
    /// and another node may have noted it.
    async fn note(&self, tx: &mut Tx, seen: &Look) -> Result<bool, Error> {
        let scope = Scope::platform(seen.alert.partner, "a low balance is told");
        let held = alerts::find_locked(tx, scope, seen.alert.balance).await?;
        let balance = balances::find(tx, scope, seen.alert.balance).await?;
        let (Some(mut alert), Some(balance)) = (held, balance) else { return Ok(false) };
        let (available, now) = (balance.available(), self.outbox.now());
        match alert.rule.judge(available, alert.low_since.is_some()) {
            None => return Ok(false),
            Some(Change::Recovered) => alert.low_since = None,
            Some(Change::Fell) => {
                alert.low_since = Some(now);
                // One of an earlier fall that couldn't be sent so far has nothing new to say.
                alert.mail = Some(Mail {
                    id: ids::random_id(),
                    to: alert.rule.addresses().to_vec(),
                    amount: available,
                    at: now,
                    next_at: now,
                    attempts: 0,
                });
            }
        }
        alerts::update(tx, &alert, now).await?;
        Ok(true)
    }

    /// Sends what is due, one after the other; how much was sent.
    pub async fn send_alerts(&self, mailer: &Mailer) -> Result<u64, Error> {
        let mut tx = self.db.read().await?;
        let looks = alerts::look(&mut tx, &self.all_partners()).await;
        let mut count = 0;
        for look in tx.end(looks).await? {
            let now = self.outbox.now();
            if self.tasks.is_stopping() {
                break;
            }
            if look.alert.mail.as_ref().is_some_and(|mail| mail.next_at <= now)
                && let Some(claimed) = self.claim_mail(look).await?
            {
                count += u64::from(self.try_to_send(mailer, &claimed).await?);
            }
        }
        Ok(count)
    }

    /// Claims a try, unless another node has it.
    async fn claim_mail(&self, look: Look) -> Result<Option<Look>, Error> {
        let now = self.outbox.now();
        let mut tx = self.db.begin().await?;
        let alert = change_mail(&mut tx, &look.alert, now, |mail| {
            let due = mail.next_at <= now;
            if due {
                mail.next_at = later(now, LEASE);
                mail.attempts = mail.attempts.saturating_add(1);
            }
            due.then_some(())
        });
        let alert = alert.await;
        Ok(tx.end(alert).await?.map(|alert| Look { alert, ..look }))
    }

    /// Sends, and writes down what came of it.
    async fn try_to_send(&self, mailer: &Mailer, look: &Look) -> Result<bool, Error> {
        let settings = self.settings.get();
        let partner = settings.partner(look.alert.partner);
        let (Some(partner), Some(mail)) = (partner, &look.alert.mail) else { return Ok(false) };
        let told = LowBalance {
            partner: &partner.code,
            kind: look.kind,
            currency: look.currency,
            available: mail.amount,
            rule: &look.alert.rule,
            at: mail.at,
        };
        let written = told.mail(mail.id);
        let sending = mailer.send(&written, &mail.to);
        let stopping = self.tasks.stopping();
        let sent = tokio::select! {
            sent = sending => sent,
            // The claim stays: who looks when it is over tries again.
            () = async { stopping.cancelled().await; tokio::time::sleep(LAST_TRY).await } => {
                return Ok(false);
            }
        };
        tell(look.alert.partner, mail, &sent);
        let rest = match &sent {
            Ok(Sent { refused }) => refused.iter().map(|(address, _)| address.clone()).collect(),
            Err(_) => mail.to.clone(),
        };
        self.settle(&look.alert, mail, rest).await?;
        Ok(sent.is_ok())
    }

    /// Notes who is still to be told, and when that is tried again.
    async fn settle(
        &self,
        alert: &Alert,
        tried: &Mail,
        rest: Vec<MailAddress>,
    ) -> Result<(), Error> {
        let now = self.outbox.now();
        let mut tx = self.db.begin().await?;
        let settled = change_mail(&mut tx, alert, now, |mail| {
            // Those who were added while it was being sent are still to be told.
            mail.to.retain(|address| !tried.to.contains(address) || rest.contains(address));
            mail.next_at = later(now, pause_after(mail.attempts));
            Some(())
        });
        let settled = settled.await;
        tx.end(settled).await.map(|_| ())
    }
}

/// Changes the e-mail of an alert, under its lock, if it is still the same one that is to be sent;
/// one that has nobody left is done.
async fn change_mail(
    tx: &mut Tx,
    alert: &Alert,
    now: Timestamp,
    change: impl FnOnce(&mut Mail) -> Option<()>,
) -> Result<Option<Alert>, Error> {
    let id: Option<Uuid> = alert.mail.as_ref().map(|mail| mail.id);
    let scope = Scope::platform(alert.partner, "a low balance is told");
    let Some(mut held) = alerts::find_locked(tx, scope, alert.balance).await? else {
        return Ok(None);
    };
    let mail = held.mail.as_mut().filter(|mail| Some(mail.id) == id);
    if mail.and_then(change).is_none() {
        return Ok(None);
    }
    held.mail = held.mail.filter(|mail| !mail.to.is_empty());
    alerts::update(tx, &held, now).await?;
    Ok(Some(held))
}

fn judge(look: &Look) -> Option<Change> {
    let available = look.posted.saturating_sub(look.held.minor());
    look.alert.rule.judge(available, look.alert.low_since.is_some())
}

/// The alert with another rule.
fn changed(held: Alert, rule: Rule) -> Alert {
    let Alert { partner, balance, rule: old, low_since, mail } = held;
    if old.threshold() != rule.threshold() {
        return Alert { partner, balance, rule, low_since: None, mail: None };
    }
    let mail = mail.map(|mail| {
        let has_it =
            |address: &MailAddress| old.addresses().contains(address) && !mail.to.contains(address);
        let to = rule.addresses().iter().filter(|address| !has_it(address)).cloned().collect();
        Mail { to, ..mail }
    });
    let mail = mail.filter(|mail| !mail.to.is_empty());
    Alert { partner, balance, rule, low_since, mail }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    SignedDuration::try_from(pause)
        .ok()
        .and_then(|pause| now.checked_add(pause).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Tells the log and the metrics what came of a try.
fn tell(partner: PartnerId, mail: &Mail, sent: &Result<Sent, MailError>) {
    let (partner, attempt) = (partner.0, mail.attempts);
    let outcome = match sent {
        Ok(sent) if sent.refused.is_empty() => {
            tracing::info!(partner, attempt, "a low balance was told");
            "sent"
        }
        Ok(sent) => {
            let (refused, status) = (sent.refused.len(), sent.refused.first().map(|it| it.1));
            tracing::warn!(
                partner,
                attempt,
                refused,
                status,
                "some of those to tell of a low balance were refused"
            );
            "refused"
        }
        Err(error) => {
            let error = Chain(error);
            tracing::warn!(partner, attempt, %error, "a low balance can't be told now");
            "failed"
        }
    };
    metrics::counter!("antaca_alert_mails_total", "outcome" => outcome).increment(1);
}
