//! The panel without a real browser: cookies and forms, as a browser sends them.

use super::{Admin, Sandbox};
use reqwest::multipart::{Form, Part};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, RequestBuilder, Response, header};

/// Somebody's browser.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    base: String,
    /// The value of the session's cookie.
    pub(crate) cookie: Option<String>,
}

/// A page that was loaded, or where one is sent.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) status: u16,
    /// Where one is sent to.
    pub(crate) to: String,
    pub(crate) html: String,
    /// The cookie line that was set.
    pub(crate) set: Option<String>,
}

impl Loaded {
    async fn of(response: Response) -> Self {
        let told = |name| {
            let value = response.headers().get(name).map(|it| it.to_str().expect("a text"));
            value.map(str::to_owned)
        };
        let (to, set) = (told(header::LOCATION).unwrap_or_default(), told(header::SET_COOKIE));
        let status = response.status().as_u16();
        Self { status, to, set, html: response.text().await.expect("a body") }
    }

    /// The value of a hidden field.
    pub(crate) fn hidden(&self, name: &str) -> &str {
        let mark = format!("name=\"{name}\" value=\"");
        let at = self.html.find(&mark).unwrap_or_else(|| panic!("no {name}: {}", self.html));
        let rest = &self.html[at + mark.len()..];
        &rest[..rest.find('"').expect("a quote")]
    }
}

impl Browser {
    /// A browser that nobody has signed in with.
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let ca = std::fs::read(sandbox.dir().join("ca.pem")).expect("the authority");
        let ca = Certificate::from_pem(&ca).expect("a certificate");
        let base = sandbox.file()["baseUrl"].as_str().expect("a URL").to_owned();
        let client = Client::builder().tls_backend_rustls().tls_certs_only([ca]).no_proxy();
        let client = client.redirect(Policy::none()).build().expect("a client");
        Self { client, base, cookie: None }
    }

    /// One that somebody has signed in with.
    pub(crate) async fn signed_in(sandbox: &Sandbox, admin: &Admin) -> Self {
        let mut browser = Self::of(sandbox);
        let told = browser.sign_in(admin, &admin.code(0), "").await;
        assert_eq!(told.status, 303, "{}", told.html);
        browser.take(&told);
        browser
    }

    /// Keeps the cookie that was set.
    pub(crate) fn take(&mut self, told: &Loaded) {
        let set = told.set.as_deref().expect("a cookie");
        let value = set.strip_prefix("__Host-antaca=").expect("our cookie");
        self.cookie = value.split(';').next().map(str::to_owned);
    }

    /// Sends the form of signing in.
    pub(crate) async fn sign_in(&self, admin: &Admin, code: &str, next: &str) -> Loaded {
        let password = admin.password.as_str();
        let fields = [
            ("email", admin.email.as_str()),
            ("password", password),
            ("totp", code),
            ("next", next),
        ];
        self.send("/panel/sign-in", &fields).await
    }

    fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.cookie {
            Some(value) => request.header("Cookie", format!("__Host-antaca={value}")),
            None => request,
        }
    }

    /// Loads a page.
    pub(crate) async fn load(&self, path: &str) -> Loaded {
        let request = self.request(reqwest::Method::GET, path);
        Loaded::of(request.send().await.expect("an answer")).await
    }

    /// Asks for events, with the id of the last one that came.
    pub(crate) async fn events(&self, path: &str, last: &str) -> Loaded {
        let request = self.request(reqwest::Method::GET, path).header("Last-Event-ID", last);
        Loaded::of(request.send().await.expect("an answer")).await
    }

    /// Sends a form from a page of ours, with these fields alone.
    pub(crate) async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Loaded {
        self.send_from(&self.base, path, fields).await
    }

    /// Sends a form from this page of ours.
    pub(crate) async fn send_on(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Loaded {
        let referer = format!("{}{page}", self.base);
        let request = self.form(path, fields).header("Origin", &self.base);
        let request = request.header("Referer", referer);
        Loaded::of(request.send().await.expect("an answer")).await
    }

    /// Sends a form from a page of this origin.
    pub(crate) async fn send_from(
        &self,
        origin: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Loaded {
        let request = self.form(path, fields);
        let request = if origin.is_empty() { request } else { request.header("Origin", origin) };
        Loaded::of(request.send().await.expect("an answer")).await
    }

    /// Sends a form of a page with a file, with its hidden fields.
    pub(crate) async fn upload(
        &self,
        page: &str,
        to: &str,
        fields: &[(&str, &str)],
        (name, file): (&'static str, Vec<u8>),
    ) -> Loaded {
        let loaded = self.load(page).await;
        let mut form = Form::new().text("once", loaded.hidden("once").to_owned());
        form = form.text("csrf", loaded.hidden("csrf").to_owned());
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        form = form.part(name, Part::bytes(file).file_name("request.csr"));
        let request = self.request(reqwest::Method::POST, to).header("Origin", &self.base);
        Loaded::of(request.multipart(form).send().await.expect("an answer")).await
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = String::new();
        for (name, value) in fields {
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            body += &format!("{name}={value}&");
        }
        let kind = "application/x-www-form-urlencoded";
        self.request(reqwest::Method::POST, path).header("Content-Type", kind).body(body)
    }

    /// Sends a form of a page, with its hidden fields.
    pub(crate) async fn submit(&self, page: &str, to: &str, fields: &[(&str, &str)]) -> Loaded {
        let loaded = self.load(page).await;
        assert_eq!(loaded.status, 200, "{page}: {}", loaded.html);
        let hidden = [("csrf", loaded.hidden("csrf")), ("once", loaded.hidden("once"))];
        self.send(to, &[&hidden[..], fields].concat()).await
    }
}
