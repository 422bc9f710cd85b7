//! KYC forms and their pictures, sealed.

use crate::db::{Table, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::UserId;
use domain::scope::Scope;
use domain::verification::Verification;

const FORMS: Table = Table {
    name: "verification",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("user_id", Type::Int),
        ("status", Type::Text),
        ("findings", Type::Text),
        ("form", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

const IMAGES: Table = Table {
    name: "verification_image",
    key: &["partner_id", "verification_id", "kind"],
    columns: &[
        ("partner_id", Type::Int),
        ("verification_id", Type::Uuid),
        ("kind", Type::Text),
        ("media_type", Type::Text),
        ("image", Type::Bytes),
    ],
};

/// A picture, sealed.
#[derive(Clone, Debug)]
pub struct Image {
    /// `imageFace`, `imageFront` or `imageBack`.
    pub kind: &'static str,
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// What a form says and shows, sealed.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its fields.
    pub form: Vec<u8>,
    /// Its pictures.
    pub images: Vec<Image>,
}

/// Adds a form with its pictures.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    verification: &Verification,
    sealed: &Sealed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let findings: Vec<&str> = verification.findings.iter().map(|found| found.as_str()).collect();
    let form = values![
        scope.partner(),
        verification.id,
        user,
        verification.status.as_str(),
        findings.join(" "),
        sealed.form,
        now,
    ];
    tx.insert_all(&FORMS, &[form]).await?;
    for image in &sealed.images {
        let row =
            values![scope.partner(), verification.id, image.kind, image.media_type, image.sealed];
        tx.insert_all(&IMAGES, &[row]).await?;
    }
    Ok(())
}
