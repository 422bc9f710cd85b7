//! Users with money and cards, made the way a partner makes them.

use crate::random::{twelve_digits, uuid};
use crate::sandbox::{SandboxFile, read};
use crate::target::{SimulatorError, client, refusal};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// Cards of one user: a program's usual cap.
const OF_USER: u32 = 10;
/// What a user has, in minor units, for all of the cards.
const MONEY: i64 = 10_000_000;
/// How long is waited between two looks, and where the server doesn't say how long.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a card may take to be made, and a call to be let in.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who a user is.
pub(crate) struct Person<'a> {
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) phone: &'a str,
    pub(crate) email: &'a str,
    /// As `1990-01-31`.
    pub(crate) birth_date: &'a str,
}

/// The first partner of a sandbox, and a connection to call as it.
pub(crate) struct Partner {
    client: Client,
    base_url: String,
    code: String,
    config_id: String,
}

impl Partner {
    pub(crate) fn of_sandbox(dir: &Path) -> Result<Self, SimulatorError> {
        let file = SandboxFile::read(dir)?;
        let partner = file.partners.first().ok_or(SimulatorError::UnexpectedAnswer)?;
        let program = partner.programs.iter().find(|program| {
            program.card_type == "VIRTUAL" && program.currency == "EUR" && !program.digital_first
        });
        let program = program.ok_or(SimulatorError::UnexpectedAnswer)?;
        let ca = read(&dir.join(&file.ca))?;
        let identity = partner.keys.identity(dir)?;
        Ok(Self {
            client: client(&ca, &identity).map_err(SimulatorError::Certificates)?,
            base_url: file.base_url.trim_end_matches('/').to_owned(),
            code: partner.issuer_code.clone(),
            config_id: program.config_id.clone(),
        })
    }

    /// Makes so many cards with money behind them; their ids.
    pub(crate) async fn make_cards(
        &self,
        count: u32,
        told: &impl Fn(&str),
    ) -> Result<Vec<i64>, SimulatorError> {
        let mut cards = Vec::new();
        while cards.len() < count as usize {
            told(&format!("{} of {count} cards…", cards.len()));
            let wanted = OF_USER.min(count - u32::try_from(cards.len()).unwrap_or(count));
            let number = twelve_digits();
            let person = Person {
                first_name: "Traffic",
                last_name: &number,
                phone: &number,
                email: &format!("traffic-{number}@example.com"),
                birth_date: "1990-01-01",
            };
            let user = self.make_user(&person, true).await?;
            cards.extend(self.give(user, MONEY, wanted).await?);
        }
        Ok(cards)
    }

    /// A user, proved to be who they are or not yet; the id.
    pub(crate) async fn make_user(
        &self,
        person: &Person<'_>,
        proved: bool,
    ) -> Result<i64, SimulatorError> {
        let user = json!({
            "firstName": person.first_name, "lastName": person.last_name, "phone": person.phone,
            "email": person.email, "birthDate": person.birth_date, "state": "VERIFIED",
            "kyc": if proved { "SUCCESS" } else { "NONE" },
        });
        let user = self.call(Method::POST, "/lifecycle/v1/wallet", Some(user)).await?;
        user["id"].as_i64().ok_or(SimulatorError::UnexpectedAnswer)
    }

    /// Gives a user a balance with money on it, in minor units, and cards; their ids.
    pub(crate) async fn give(
        &self,
        user: i64,
        money: i64,
        wanted: u32,
    ) -> Result<Vec<i64>, SimulatorError> {
        let balances = format!("/secure/customers/{user}/balances");
        let balance = self.call(Method::POST, &balances, Some(json!({"currency": "EUR"}))).await?;
        let balance = balance["balanceId"].as_str().ok_or(SimulatorError::UnexpectedAnswer)?;
        let money = json!({
            "type": "topUp", "amount": money, "currency": "EUR",
            "description": "First top-up", "externalTransactionId": format!("top-up-{user}"),
        });
        let transactions = format!("/secure/balances/{balance}/transactions");
        self.call(Method::POST, &transactions, Some(money)).await?;
        let order = json!({ "balanceId": balance, "configId": self.config_id });
        let orders = format!("/secure/customers/{user}/cards/virtual/async");
        let mut ordered = Vec::new();
        for _ in 0..wanted {
            let told = self.call(Method::POST, &orders, Some(order.clone())).await?;
            let id = told["operationId"].as_str().ok_or(SimulatorError::UnexpectedAnswer)?;
            ordered.push(id.to_owned());
        }
        let mut cards = Vec::new();
        for id in ordered {
            let path = format!("/secure/customers/{user}/cards/operations/{id}");
            cards.push(self.made(&path).await?);
        }
        Ok(cards)
    }

    /// Hands in a verification form with these pictures of a face and of a passport.
    pub(crate) async fn hand_in(
        &self,
        user: i64,
        person: &Person<'_>,
        picture: &[u8],
    ) -> Result<(), SimulatorError> {
        let form = || {
            let said = [
                ("firstName", person.first_name),
                ("lastName", person.last_name),
                ("birthDate", person.birth_date),
                ("street", "Long street"),
                ("number", "17"),
                ("city", "Lublin"),
                ("postCode", "20-128"),
                ("country", "PL"),
                ("nationality", "polish"),
                ("documentType", "passport"),
                ("identityCardNo", "ASD123456"),
                ("documentExpirationDate", "2035-01-30"),
                ("riskLvl", "LOW"),
            ];
            let form = said
                .into_iter()
                .fold(Form::new(), |form, (name, value)| form.text(name, value.to_owned()));
            ["imageFace", "imageFront", "imageBack"].into_iter().fold(form, |form, name| {
                form.part(name, Part::bytes(picture.to_owned()).file_name(format!("{name}.jpg")))
            })
        };
        let path = format!("/secure/customers/{user}/verification");
        self.send(Method::POST, &path, |request| request.multipart(form())).await.map(drop)
    }

    /// Waits until an ordered card is made; its id.
    async fn made(&self, path: &str) -> Result<i64, SimulatorError> {
        let begun = Instant::now();
        loop {
            let told = self.call(Method::GET, path, None).await?;
            if let Some(card) = told["cardId"].as_i64() {
                return Ok(card);
            }
            if told["status"] != "PENDING" || begun.elapsed() > PATIENCE {
                let reason = told["reason"].as_str().unwrap_or("it isn't made in time");
                return Err(SimulatorError::Refused(format!("A card wasn't made: {reason}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, SimulatorError> {
        let body = self.send(method, path, |request| match &body {
            Some(body) => request.json(body),
            None => request,
        });
        serde_json::from_slice(&body.await?).map_err(|_| SimulatorError::UnexpectedAnswer)
    }

    /// Calls, again while there are too many calls; a refusal is told.
    async fn send(
        &self,
        method: Method,
        path: &str,
        with_body: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Vec<u8>, SimulatorError> {
        let url = format!("{}{path}", self.base_url);
        let unreachable = |error| SimulatorError::Unreachable(url.clone(), error);
        let (key, begun) = (uuid(), Instant::now());
        loop {
            let request = self.client.request(method.clone(), &url);
            let request =
                request.header("Issuer-Code", &self.code).header("X-Idempotency-Key", &key);
            let response = with_body(request).send().await.map_err(unreachable)?;
            let status = response.status();
            let again = status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::SERVICE_UNAVAILABLE;
            if again && begun.elapsed() < PATIENCE {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let body = response.bytes().await.map_err(unreachable)?;
            return if status.is_success() { Ok(body.into()) } else { Err(refusal(&body)) };
        }
    }
}
