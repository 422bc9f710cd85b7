//! What an e-mail says of a balance that runs low.

use super::Mail;
use domain::Timestamp;
use domain::alert::Rule;
use domain::balance::PartnerBalanceKind;
use domain::money::Currency;
use uuid::Uuid;

/// A partner's own balance that has fallen below its threshold.
#[derive(Clone, Copy, Debug)]
pub struct LowBalance<'a> {
    /// The partner's Issuer-Code.
    pub partner: &'a str,
    /// What the balance is for.
    pub kind: PartnerBalanceKind,
    /// Its currency.
    pub currency: Currency,
    /// What could be spent of it when that was seen, in minor units.
    pub available: i64,
    /// The threshold, and who is told.
    pub rule: &'a Rule,
    /// When it was seen, in real time.
    pub at: Timestamp,
}

impl LowBalance<'_> {
    /// The e-mail of this name that tells it.
    #[must_use]
    pub fn mail(&self, id: Uuid) -> Mail {
        let Self { partner, kind, currency, at, .. } = self;
        let kind = kind.as_str();
        let amount = format!("{} {}", currency.decimal(self.available), currency.code());
        let threshold = self.rule.threshold().minor();
        let threshold = format!("{} {}", currency.decimal(threshold), currency.code());
        let text = format!(
            "A balance has fallen below its threshold.\r\n\
             \r\n\
             Partner:    {partner}\r\n\
             Balance:    {kind}\r\n\
             Currency:   {}\r\n\
             Available:  {amount} (posted less held)\r\n\
             Threshold:  {threshold}\r\n\
             Seen:       {:.0} (UTC)\r\n\
             \r\n\
             There is no further e-mail about it until the balance has been at its\r\n\
             threshold or above again.\r\n",
            currency.code(),
            at,
        );
        Mail {
            id,
            at: *at,
            addressed: self.rule.addresses().to_vec(),
            subject: format!("Low balance: {partner} {kind} {amount}"),
            text,
        }
    }
}
