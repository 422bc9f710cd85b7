//! Devices of users: paired by a code that the partner hands on, listed, ended.

use crate::audit::{Done, Entry, Origin};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::sessions::Begun;
use crate::{App, Error, Once, ids};
use crypto::device::DeviceKey;
use domain::Timestamp;
use domain::device::{ActivationCode, Pairing, Platform};
use domain::ids::{InstallationId, UserId};
use domain::scope::Scope;
use domain::user::UserState;
use serde_json::{Value, json};
use store::db::Tx;
pub use store::installations::Installation;
use store::{installations, pairings, users};
use zeroize::Zeroizing;

/// A code that was made: it is told once, and kept with its key as answers are.
pub struct Offered {
    /// What the user types, or the app reads.
    pub code: Zeroizing<String>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A device to be paired.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// What the app calls it.
    pub device: String,
    /// What it runs.
    pub platform: Platform,
    /// The public key that it has made, of P-256.
    pub public_key: Vec<u8>,
}

/// A device that was paired, with its first session.
pub struct Paired {
    /// Its name.
    pub installation: InstallationId,
    /// The session.
    pub session: Begun,
}

impl App {
    /// Makes a code by which a user pairs a device; the ones before open nothing any more.
    pub async fn offer_pairing(
        &self,
        scope: Scope,
        user: UserId,
        once: Once<Offered>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.offer_in(&mut tx, scope, user).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn offer_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        id: UserId,
    ) -> Result<Done<Offered>, Error> {
        let user = users::find_locked(tx, scope, id).await?.ok_or(Refusal::CustomerNotFound)?;
        if user.state == UserState::Locked {
            return Err(Refusal::CustomerLocked.into());
        }
        pairings::end_all(tx, scope, id).await?;
        let (code, now) = (ActivationCode::of_bits(&crypto::random::bytes()), self.now());
        let pairing = Pairing::begun(scope.partner(), id, now);
        let digest = self.digest_of(&code);
        if !pairings::insert(tx, (code.name(), &digest), &pairing, now).await? {
            return Err(Error::Unavailable("a name for a code", None));
        }
        let entry = Entry::made("device.offer", id.0, json!({}));
        Ok(Done::changed(Offered { code: code.shown(), expires_at: pairing.expires_at }, entry))
    }

    /// Pairs a device by a code and begins its first session; the user's installation on the same
    /// device ends. None where anything is wrong, and why isn't told: a wrong code was counted,
    /// which is committed before anything is answered.
    pub async fn pair_device(
        &self,
        code: &ActivationCode,
        device: NewDevice,
        origin: &Origin,
    ) -> Result<Option<Paired>, Error> {
        let mut tx = self.db.begin().await?;
        let paired = self.pair_in(&mut tx, code, device, origin).await;
        tx.end(paired).await
    }

    async fn pair_in(
        &self,
        tx: &mut Tx,
        code: &ActivationCode,
        NewDevice { device, platform, public_key }: NewDevice,
        origin: &Origin,
    ) -> Result<Option<Paired>, Error> {
        DeviceKey::parse(&public_key).map_err(|_| Error::broken("no public key of a device"))?;
        let Some(seen) = pairings::find(tx, code.name()).await? else { return Ok(None) };
        let (partner, user) = (seen.pairing.partner, seen.pairing.user);
        let scope = Scope::of_caller(partner);
        // The user guards their codes: whoever makes or tries one locks them first.
        users::find_locked(tx, scope, user).await?;
        let Some(kept) = pairings::find(tx, code.name()).await? else { return Ok(None) };
        let (mut pairing, now) = (kept.pairing, self.now());
        if !pairing.try_code(kept.digest == self.digest_of(code), now) {
            pairings::set_tries(tx, code.name(), pairing.tries).await?;
            return Ok(None);
        }
        let id = InstallationId(ids::random_id());
        let Some(session) = self.admit(tx, (partner, user), Some(id)).await? else {
            return Ok(None);
        };
        pairings::end_all(tx, scope, user).await?;
        installations::end_on(tx, scope, (user, &device), now).await?;
        let installation = Installation { id, device, platform, created_at: now };
        installations::insert(tx, scope, (user, &installation), &public_key).await?;
        let digests = self.digests(partner, format!("installation/{}", id.0));
        let facts = json!({
            "userId": user.0,
            "deviceId": digests.of("deviceId", Some(&installation.device)),
            "platform": platform.as_str(),
        });
        let actor = Origin { actor: format!("user:{}", user.0), ..origin.clone() };
        self.record(tx, partner, &actor, Entry::made("device.pair", id.0, facts)).await?;
        Ok(Some(Paired { installation: id, session }))
    }

    fn digest_of(&self, code: &ActivationCode) -> [u8; 32] {
        self.keyring.fingerprint(&[b"pairing", code.bytes()])
    }

    /// The devices of a user.
    pub async fn devices(&self, scope: Scope, user: UserId) -> Result<Vec<Installation>, Error> {
        let mut tx = self.db.read().await?;
        let listed = async {
            users::find(&mut tx, scope, user).await?.ok_or(Refusal::CustomerNotFound)?;
            Ok::<_, Error>(installations::list(&mut tx, scope, user).await?)
        };
        let listed = listed.await;
        tx.end(listed).await
    }

    /// Ends a user's installation, and its sessions with it.
    pub async fn end_device(
        &self,
        scope: Scope,
        (user, id): (UserId, InstallationId),
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let ended = installations::end(&mut tx, scope, (user, id), self.now()).await;
        let result = match ended {
            Ok(true) => {
                let entry = Entry::made("device.end", id.0, json!({ "userId": user.0 }));
                Ok(Done::changed((), entry))
            }
            Ok(false) => Err(Refusal::DeviceNotFound.into()),
            Err(error) => Err(error.into()),
        };
        self.finish(scope, &once, tx, result).await
    }
}
