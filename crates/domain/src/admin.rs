//! Panel accounts: people who work for a partner, or for the operator (spec "Channels").
//!
//! An account is tried with password and code together: who has one of them learns nothing. Ten
//! failures in a row lock it for half an hour, and one that nobody has used for 90 days stays shut
//! until the operator opens or resets it.

use crate::ids::{AdminId, PartnerId};
use crate::words::words;
use jiff::{Timestamp, ToSpan as _};
use std::ops::RangeInclusive;

words! {
    /// What somebody may do (spec "Admin roles").
    pub enum Role {
        /// All of its partner's.
        Admin = "ADMIN",
        /// Balances and cards.
        Manager = "MANAGER",
        /// What cardholders call about.
        Employee = "EMPLOYEE",
        /// The operator's own: all partners.
        Operator = "OPERATOR",
    }
}

words! {
    /// Whether an account can be used.
    pub enum AccountState {
        /// It can.
        Active = "ACTIVE",
        /// Somebody has shut it.
        Disabled = "DISABLED",
        /// Nobody has used it for 90 days, which shuts it.
        Unused = "UNUSED",
    }
}

/// Failures in a row that lock an account.
const FAILURES_MAX: i64 = 10;
/// For how long, in minutes.
const LOCK_MINUTES: i64 = 30;
/// After how many days without use it is shut.
const UNUSED_DAYS: i64 = 90;

/// Characters of a password that somebody chooses.
const PASSWORD_CHARS: RangeInclusive<usize> = 12..=128;
/// The name in an address that is too short to be looked for in a password, in characters.
const SHORT_NAME: usize = 3;

/// Whether a password may follow another, as far as that is seen from its text: whether it is
/// guessed soon is another question. `email` is in small letters.
#[must_use]
pub fn may_follow(new: &str, old: &str, email: &str) -> bool {
    let name = email.split('@').next().unwrap_or_default();
    let name = Some(name).filter(|name| name.chars().count() > SHORT_NAME);
    let folded = new.to_lowercase();
    PASSWORD_CHARS.contains(&new.chars().count())
        && !new.chars().any(char::is_control)
        && new != old
        && !folded.contains(email)
        && !name.is_some_and(|name| folded.contains(name))
}

/// Somebody's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Ours.
    pub id: AdminId,
    /// Their e-mail address, in small letters.
    pub email: String,
    /// The partner that they work for; none for the operator's own.
    pub partner: Option<PartnerId>,
    /// What they may do.
    pub role: Role,
    /// Whether the account is shut.
    pub disabled: bool,
    /// Failures in a row.
    pub failures: i64,
    /// Until when it is locked.
    pub locked_until: Option<Timestamp>,
    /// When it was last used, made or reset.
    pub used_at: Timestamp,
    /// The time step of the last code that was accepted (RFC 6238): no earlier one is.
    pub code_step: i64,
    /// Whether somebody else was shown what opens it, who has made or reset it: then nothing opens
    /// until whose it is has set a password and an authenticator of their own.
    pub secrets_shown: bool,
    /// Raised by one at each change.
    pub version: i64,
}

/// What came of comparing what somebody has typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whether the password is right.
    pub password: bool,
    /// The time step whose code was typed, if it is one of now.
    pub code_step: Option<i64>,
}

/// Nobody is let in. Why isn't told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLetIn;

impl Account {
    /// Whether it can be used; one that is locked for half an hour can, after that.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> AccountState {
        let unused = self.used_at.checked_add((UNUSED_DAYS * 24).hours());
        match (self.disabled, unused) {
            (true, _) => AccountState::Disabled,
            (false, Ok(end)) if now >= end => AccountState::Unused,
            (false, _) => AccountState::Active,
        }
    }

    /// Tries to sign in: counts what was wrong, forgets it where all is right.
    pub fn sign_in(&mut self, proof: Proof, now: Timestamp) -> Result<(), NotLetIn> {
        let step = proof.code_step.filter(|step| *step > self.code_step && proof.password);
        self.tried(step, now)
    }

    /// Tries the password alone, in a session that a code has begun: counts the same.
    pub fn confirm_password(&mut self, is_right: bool, now: Timestamp) -> Result<(), NotLetIn> {
        self.tried(is_right.then_some(self.code_step), now)
    }

    /// Tries a code alone, in a session that the password has begun: counts the same.
    pub fn confirm_code(&mut self, step: Option<i64>, now: Timestamp) -> Result<(), NotLetIn> {
        self.sign_in(Proof { password: true, code_step: step }, now)
    }

    /// Counts a try, good if there is a step.
    fn tried(&mut self, step: Option<i64>, now: Timestamp) -> Result<(), NotLetIn> {
        if self.state(now) != AccountState::Active || self.locked_until.is_some_and(|end| now < end)
        {
            return Err(NotLetIn);
        }
        match step {
            Some(step) => {
                (self.failures, self.locked_until) = (0, None);
                (self.code_step, self.used_at) = (step, now);
                Ok(())
            }
            None => {
                self.failures += 1;
                if self.failures >= FAILURES_MAX {
                    self.failures = 0;
                    self.locked_until = now.checked_add(LOCK_MINUTES.minutes()).ok();
                }
                Err(NotLetIn)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::NOW;
    use uuid::Uuid;

    fn account() -> Account {
        Account {
            id: AdminId(Uuid::nil()),
            email: "ann@acme.test".to_owned(),
            partner: Some(PartnerId(1)),
            role: Role::Admin,
            disabled: false,
            failures: 0,
            locked_until: None,
            used_at: NOW,
            code_step: 100,
            secrets_shown: false,
            version: 0,
        }
    }

    fn proof(password: bool, code_step: Option<i64>) -> Proof {
        Proof { password, code_step }
    }

    fn later(minutes: i64) -> Timestamp {
        NOW.checked_add(minutes.minutes()).expect("a time")
    }

    #[test]
    fn both_must_be_right_and_a_code_opens_once() {
        let mut account = account();
        for (password, step, let_in, failures) in [
            (true, Some(101), true, 0),
            (true, Some(101), false, 1),
            (true, Some(100), false, 2),
            (false, Some(102), false, 3),
            (true, None, false, 4),
            (true, Some(102), true, 0),
        ] {
            let told = account.sign_in(proof(password, step), NOW);
            assert_eq!((told.is_ok(), account.failures), (let_in, failures), "{password} {step:?}");
        }
    }

    #[test]
    fn ten_failures_lock_it_for_half_an_hour() {
        let mut account = account();
        for _ in 0..10 {
            assert_eq!(account.sign_in(proof(false, Some(101)), NOW), Err(NotLetIn));
        }
        let right = proof(true, Some(102));
        assert_eq!(account.sign_in(right, later(29)), Err(NotLetIn), "though it is right");
        assert_eq!(account.sign_in(right, later(30)), Ok(()));
        assert_eq!(account.locked_until, None);
    }

    #[test]
    fn in_a_session_each_is_tried_alone_and_counts_the_same() {
        let mut account = account();
        assert_eq!(account.confirm_code(Some(101), NOW), Ok(()));
        assert_eq!(account.confirm_code(Some(101), NOW), Err(NotLetIn), "it was used");
        assert_eq!(account.confirm_code(None, NOW), Err(NotLetIn));
        assert_eq!(account.confirm_password(false, NOW), Err(NotLetIn));
        assert_eq!(account.failures, 3);
        assert_eq!(account.confirm_password(true, NOW), Ok(()));
        assert_eq!((account.failures, account.code_step), (0, 101));
        for _ in 0..10 {
            assert_eq!(account.confirm_password(false, NOW), Err(NotLetIn));
        }
        assert_eq!(account.confirm_password(true, later(29)), Err(NotLetIn), "it is locked");
        assert_eq!(account.confirm_code(Some(102), later(29)), Err(NotLetIn));
        assert_eq!(account.confirm_password(true, later(30)), Ok(()));
    }

    #[test]
    fn a_password_is_long_and_says_nothing_of_whose_it_is() {
        let email = "anna@acme.test";
        for (new, may) in [
            ("kX3vq9Lm2Rt7", true),
            ("kX3vq9Lm2Rt", false),
            ("żółw żółw żó", true),
            ("żółw żółw ż", false),
            ("the password before", false),
            ("The password before", true),
            ("my ANNA@acme.test is it", false),
            ("what Anna likes best", false),
        ] {
            assert_eq!(may_follow(new, "the password before", email), may, "{new}");
        }
        assert!(
            may_follow("what ann likes best", "", "ann@acme.test"),
            "three letters are anywhere"
        );
        assert!(may_follow(&"é".repeat(128), "", email));
        assert!(!may_follow(&"é".repeat(129), "", email));
    }

    #[test]
    fn what_nobody_uses_or_was_shut_lets_nobody_in() {
        let right = proof(true, Some(101));
        let day = 24 * 60;
        assert!(account().sign_in(right, later(90 * day)).is_err());
        assert!(account().sign_in(right, later(90 * day - 1)).is_ok());
        assert!(Account { disabled: true, ..account() }.sign_in(right, NOW).is_err());
    }
}
