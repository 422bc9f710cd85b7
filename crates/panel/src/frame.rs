//! What surrounds every page: who is signed in, where one may go, what came of the act before.

use crate::answer::UNSURE;
use crate::assets::VERSION;
use crate::session::{Allows, Staff};
use crate::texts::{known, text};
use app::Refusal;
use app::admins::form_token;

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
