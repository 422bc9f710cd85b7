//! Cards for made-up traffic, made the way a partner makes them: users, balances, money, cards.

use crate::random::{twelve_digits, uuid};
use crate::sandbox::{SandboxFile, read};
use crate::target::{SimulatorError, client, refusal};
use reqwest::{Client, Method, StatusCode};
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

/// The first partner of a sandbox, and a connection to call as it.
pub(super) struct Partner {
    client: Client,
    base_url: String,
    code: String,
    config_id: String,
}

impl Partner {
    pub(super) fn of_sandbox(dir: &Path) -> Result<Self, SimulatorError> {
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
    pub(super) async fn make_cards(
        &self,
        count: u32,
        told: &impl Fn(&str),
    ) -> Result<Vec<i64>, SimulatorError> {
        let mut cards = Vec::new();
        while cards.len() < count as usize {
            told(&format!("{} of {count} cards…", cards.len()));
            let wanted = OF_USER.min(count - u32::try_from(cards.len()).unwrap_or(count));
            cards.extend(self.make_user(wanted).await?);
        }
        Ok(cards)
    }

    /// A user with money and cards.
    async fn make_user(&self, wanted: u32) -> Result<Vec<i64>, SimulatorError> {
        let number = twelve_digits();
        let user = json!({
            "firstName": "Traffic", "lastName": number, "phone": number,
            "email": format!("traffic-{number}@example.com"), "birthDate": "1990-01-01",
            "state": "VERIFIED", "kyc": "SUCCESS",
        });
        let user = self.call(Method::POST, "/lifecycle/v1/wallet", Some(user)).await?;
        let user = user["id"].as_i64().ok_or(SimulatorError::UnexpectedAnswer)?;
        let balances = format!("/secure/customers/{user}/balances");
        let balance = self.call(Method::POST, &balances, Some(json!({"currency": "EUR"}))).await?;
        let balance = balance["balanceId"].as_str().ok_or(SimulatorError::UnexpectedAnswer)?;
        let money = json!({
            "type": "topUp", "amount": MONEY, "currency": "EUR",
            "description": "For traffic", "externalTransactionId": format!("traffic-{number}"),
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

    /// Calls, again while there are too many calls; a refusal is told.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, SimulatorError> {
        let url = format!("{}{path}", self.base_url);
        let unreachable = |error| SimulatorError::Unreachable(url.clone(), error);
        let (key, begun) = (uuid(), Instant::now());
        loop {
            let mut request = self.client.request(method.clone(), &url);
            request = request.header("Issuer-Code", &self.code).header("X-Idempotency-Key", &key);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(unreachable)?;
            let status = response.status();
            let again = status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::SERVICE_UNAVAILABLE;
            if again && begun.elapsed() < PATIENCE {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let body = response.bytes().await.map_err(unreachable)?;
            if !status.is_success() {
                return Err(refusal(&body));
            }
            return serde_json::from_slice(&body).map_err(|_| SimulatorError::UnexpectedAnswer);
        }
    }
}
