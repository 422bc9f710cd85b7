//! What surrounds every page: who is signed in, where one may go, what came of the act before.

use crate::answer::UNSURE;
use crate::assets::VERSION;
use crate::session::{Allows, Staff};
use crate::texts::{known, text};
use app::Refusal;
use app::admins::form_token;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

/// What came of an act, told on the page that it went back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Whether it was done.
    pub(crate) good: bool,
    /// In words.
    pub(crate) text: String,
}

impl Notice {
    /// The one that a query names. Only words of ours are shown, and only where an act of this
    /// session has led back with them, whatever a link says.
    pub(crate) fn of(query: Option<&str>, csrf: &str) -> Option<Self> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query?).ok()?;
        let value = |wanted: &str| {
            let found = pairs.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let word = value("done").or_else(|| value("failed"))?;
        if value("by")? != mark(csrf, word) {
            return None;
        }
        match known(word).filter(|_| word.starts_with("done.") || word == UNSURE) {
            Some(text) => Some(Self { good: word != UNSURE, text: text.to_owned() }),
            None => {
                let text = Refusal::of_title(word)?.sentence().to_owned();
                Some(Self { good: false, text })
            }
        }
    }
}

/// What shows that an act of a session has led back with a word.
pub(crate) fn mark(csrf: &str, word: &str) -> String {
    let mut mark = form_token(&format!("{csrf}\n{word}"));
    mark.truncate(16);
    mark
}

/// A form that wasn't done, to be shown again with what was typed.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    /// Where it was sent to.
    pub(crate) action: String,
    /// What was typed.
    pub(crate) fields: BTreeMap<String, String>,
}

/// What was typed into a form before, if it is the one that wasn't done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Typed<'a>(Option<&'a BTreeMap<String, String>>);

impl<'a> Typed<'a> {
    /// A field, if it was sent.
    pub(crate) fn sent(self, name: &str) -> Option<&'a str> {
        Some(self.0?.get(name)?.as_str())
    }

    /// A field; empty where nothing was typed.
    pub(crate) fn get(self, name: &str) -> &'a str {
        self.sent(name).unwrap_or_default()
    }

    /// What was typed, or else what is there.
    pub(crate) fn or<'b>(self, name: &str, kept: &'b str) -> &'b str
    where
        'a: 'b,
    {
        self.sent(name).unwrap_or(kept)
    }

    /// Whether this was chosen.
    pub(crate) fn is(self, name: &str, value: &(impl Display + ?Sized)) -> bool {
        self.sent(name).is_some_and(|chosen| chosen == value.to_string())
    }

    /// What has the details that the form is in be open.
    pub(crate) fn open(self) -> &'static str {
        if self.0.is_some() { " open" } else { "" }
    }
}

/// A place that one may go to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) name: String,
    /// Whether one is there.
    pub(crate) here: bool,
}

/// What surrounds a page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Of the files that it loads.
    pub(crate) version: &'static str,
    /// Who is signed in; nobody on the page of signing in.
    pub(crate) email: Option<String>,
    /// What they are.
    pub(crate) role: &'static str,
    /// The partner whose pages these are: code and name.
    pub(crate) partner: Option<(String, String)>,
    /// Where one may go.
    pub(crate) places: Vec<Place>,
    /// What came of the act before.
    pub(crate) notice: Option<Notice>,
    /// The form that wasn't done, if this is its page once more.
    pub(crate) refused: Option<Arc<Refused>>,
    /// What forms carry.
    pub(crate) csrf: String,
    /// What a form that does something once is known by.
    pub(crate) once: String,
}

/// The pages of a partner that the panel leads to: what follows the partner's code, the key of its
/// name, and whom it admits.
const PLACES: &[(&str, &str, Allows)] = &[
    ("", "nav.overview", Allows::ALL),
    ("/users", "nav.users", Allows::ALL),
    ("/corporations", "nav.corporations", Allows::DECIDERS),
    ("/balances", "nav.balances", Allows::ALL),
    ("/partner-balances", "nav.own", Allows::ALL),
    ("/transactions", "nav.transactions", Allows::ALL),
    ("/verifications", "nav.verifications", Allows::DECIDERS),
    ("/screening/hits", "nav.screening", Allows::DECIDERS),
    ("/notifications", "nav.notifications", Allows::ALL),
    ("/partner-calls", "nav.calls", Allows::ALL),
    ("/reports", "nav.reports", Allows::ALL),
    ("/accounts", "nav.accounts", Allows::MANAGERS),
    ("/audit", "nav.audit", Allows::DECIDERS),
];

/// The pages of the operator that are about no partner.
const OPERATORS: &[(&str, &str)] = &[
    ("/panel/partners", "nav.partners"),
    ("/panel/programs", "nav.programs"),
    ("/panel/certificates", "nav.certificates"),
    ("/panel/accounts", "nav.all-accounts"),
    ("/panel/audit", "nav.platform-audit"),
];

impl Frame {
    /// Around a page that needs no session.
    pub(crate) fn of_nobody() -> Self {
        Self { version: VERSION.as_str(), ..Self::default() }
    }

    /// What was typed into the form that goes to an address with this end and has this in a hidden
    /// field, which tells it from others that go there; without a name there is but one.
    pub(crate) fn typed(
        &self,
        end: &str,
        name: &str,
        value: &(impl Display + ?Sized),
    ) -> Typed<'_> {
        let refused = self.refused.as_ref().filter(|it| it.action.ends_with(end));
        let fields = refused.map(|it| &it.fields);
        let is_it = |fields: &&BTreeMap<String, String>| {
            name.is_empty() || fields.get(name).is_some_and(|it| *it == value.to_string())
        };
        Typed(fields.filter(is_it))
    }
}

impl Staff {
    /// What surrounds a page of theirs.
    pub(crate) fn frame(&self) -> Frame {
        let partner = self.partner_if_any().filter(|_| !self.session.secrets_shown);
        let mut places = Vec::new();
        if self.may(Allows::OPERATORS) && !self.session.secrets_shown {
            for (path, name) in OPERATORS {
                let (path, name) = ((*path).to_owned(), text(name));
                places.push(Place { here: self.is_at(&path), path, name });
            }
        }
        for (rest, key, allows) in PLACES.iter().filter(|_| partner.is_some()) {
            if self.may(*allows) {
                let path = self.to(rest);
                let here =
                    if rest.is_empty() { self.bare_path() == path } else { self.is_at(&path) };
                places.push(Place { here, path, name: text(key) });
            }
        }
        Frame {
            version: VERSION.as_str(),
            email: Some(self.email.clone()),
            role: self.session.role.as_str(),
            partner: partner.map(|partner| (partner.code.clone(), partner.name.clone())),
            places,
            notice: self.notice.clone(),
            refused: self.refused.clone(),
            csrf: self.csrf.clone(),
            once: app::ids::form_name(),
        }
    }

    /// The path without its query.
    fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// Whether a page is below a path, or there.
    fn is_at(&self, path: &str) -> bool {
        let rest = self.bare_path().strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
