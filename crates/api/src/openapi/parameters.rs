//! What paths and headers may hold.

use super::Channel;
use crate::verifications::IMAGES;
use crate::wire::schema;
use app::Refusal;
use domain::user::TransactionalLock;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Ref};
use utoipa::openapi::{ComponentsBuilder, KnownFormat, Required};

/// A name in a path: what it is of, what it looks like, and what one that names nothing gets.
pub(super) struct Named {
    pub(super) name: &'static str,
    description: &'static str,
    form: fn() -> Object,
    pub(super) refusal: Refusal,
}

const NAMED: [Named; 22] = [
    Named {
        name: "customerId",
        description: "The user's id.",
        form: number,
        refusal: Refusal::CustomerNotFound,
    },
    Named {
        name: "dcCorporationId",
        description: "The corporation's id.",
        form: uuid,
        refusal: Refusal::CorporationNotFound,
    },
    Named {
        name: "balanceId",
        description: "The balance's id.",
        form: uuid,
        refusal: Refusal::BalanceNotFound,
    },
    Named {
        name: "cardId",
        description: "The card's id.",
        form: number,
        refusal: Refusal::CardNotFound,
    },
    Named {
        name: "operationId",
        description: "The operation's id.",
        form: uuid,
        refusal: Refusal::OperationNotFound,
    },
    Named {
        name: "orderId",
        description: "The order's id.",
        form: uuid,
        refusal: Refusal::OrderNotFound,
    },
    Named {
        name: "installationId",
        description: "The device's installation.",
        form: uuid,
        refusal: Refusal::DeviceNotFound,
    },
    Named {
        name: "transactionId",
        description: "The transaction's id.",
        form: uuid,
        refusal: Refusal::TransactionNotFound,
    },
    Named {
        name: "recordId",
        description: "The record's number in the history.",
        form: number,
        refusal: Refusal::TransactionNotFound,
    },
    Named {
        name: "verificationId",
        description: "The KYC form's id.",
        form: uuid,
        refusal: Refusal::VerificationNotFound,
    },
    Named {
        name: "documentId",
        description: "The document's id.",
        form: uuid,
        refusal: Refusal::DocumentNotFound,
    },
    Named {
        name: "hitId",
        description: "The hit's id.",
        form: uuid,
        refusal: Refusal::HitNotFound,
    },
    Named {
        name: "notificationId",
        description: "The notification's id: the `X-Idempotency-Key` that it was sent with.",
        form: uuid,
        refusal: Refusal::NotificationNotFound,
    },
    Named {
        name: "callId",
        description: "The call's id: the `X-Idempotency-Key` that it was sent with.",
        form: uuid,
        refusal: Refusal::PartnerCallNotFound,
    },
    Named {
        name: "exportId",
        description: "The export's id.",
        form: uuid,
        refusal: Refusal::ExportNotFound,
    },
    Named {
        name: "issuerCode",
        description: "The partner's code.",
        form: code,
        refusal: Refusal::PartnerNotFound,
    },
    Named {
        name: "configId",
        description: "The program's configId.",
        form: || schema::pattern("^[0-9]{10}$").build(),
        refusal: Refusal::ProgramUnknown,
    },
    Named {
        name: "fingerprint",
        description: "SHA-256 of the certificate's DER, in hexadecimal.",
        form: || schema::pattern("^[0-9a-f]{64}$").build(),
        refusal: Refusal::CertificateNotFound,
    },
    Named {
        name: "accountId",
        description: "The panel account's id.",
        form: uuid,
        refusal: Refusal::AdminNotFound,
    },
    Named {
        name: "picture",
        description: "Which of its pictures.",
        form: picture,
        refusal: Refusal::VerificationNotFound,
    },
    Named {
        name: "importKey",
        description: "The import's key, as it was sent in `X-Idempotency-Key`.",
        form: key,
        refusal: Refusal::ImportNotFound,
    },
    Named {
        name: "reason",
        description: "The reason of the lock.",
        form: lock,
        refusal: Refusal::InvalidLockReason,
    },
];

fn lock() -> Object {
    schema::words_of::<TransactionalLock>().build()
}

fn picture() -> Object {
    schema::words(IMAGES).build()
}

fn code() -> Object {
    schema::pattern("^[a-z0-9-]{1,64}$").build()
}

fn key() -> Object {
    schema::text(255).build()
}

fn number() -> Object {
    schema::integer().minimum(Some(1)).build()
}

fn uuid() -> Object {
    schema::format(KnownFormat::Uuid).build()
}

/// The names in a path.
pub(super) fn named(path: &str) -> Vec<&'static Named> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let find = |name: &str| NAMED.iter().find(|named| named.name == name);
    names.map(|name| find(name).expect("every name of a path is told of in NAMED")).collect()
}

impl Named {
    /// As a parameter.
    pub(super) fn parameter(&self) -> Parameter {
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(self.description))
            .schema(Some((self.form)()))
            .build()
    }
}

/// A header that calls may have.
struct Header {
    name: &'static str,
    description: &'static str,
    required: Required,
    form: fn() -> Object,
}

const REQUEST_ID: Header = Header {
    name: "X-Request-Id",
    description: "A name for the request, to be found in our logs; made if it isn't sent, or isn't \
                  1 to 64 letters, digits, `-`, `_` and `.`. The answer tells it.",
    required: Required::False,
    form: || schema::pattern("^[A-Za-z0-9._-]{1,64}$").build(),
};
const ISSUER_CODE: Header = Header {
    name: "Issuer-Code",
    description: "The partner's code; the certificate must be that partner's.",
    required: Required::True,
    form: || schema::pattern("^[a-z0-9-]{1,64}$").build(),
};
const ACTED_FOR: Header = Header {
    description: "With a certificate of the operator's own: the code of the partner that it acts \
                  for. Without meaning with a partner's.",
    required: Required::False,
    ..ISSUER_CODE
};
const KEY: Header = Header {
    name: "X-Idempotency-Key",
    description: "The same key with the same content is done once, and answered the same for 30 \
                  days; the same key with other content is refused.",
    required: Required::False,
    form: || schema::text(255).build(),
};
const ENCRYPTED_REQUEST: Header = Header {
    name: "Encrypted-Request",
    description: "`true`: the body is `{\"payload\": \"…\"}` with a compact JWE for our public key \
                  (RSA-OAEP-256 or RSA-OAEP, A256GCM) of what is told here, and the answer is \
                  encrypted for `Public-Key`.",
    required: Required::False,
    form: || schema::words(["true", "false"]).build(),
};
const ENCRYPT_RESPONSE: Header = Header {
    name: "Encrypt-Response",
    description: "`true`: the answer alone is encrypted for `Public-Key`.",
    required: Required::False,
    form: || schema::words(["true", "false"]).build(),
};
const PUBLIC_KEY: Header = Header {
    name: "Public-Key",
    description: "Base64 of the caller's RSA public key, PEM or DER, of 2048 to 4096 bits with \
                  exponent 65537.",
    required: Required::False,
    form: || schema::pattern("^[A-Za-z0-9+/=_-]{1,2048}$").build(),
};

const PARTNER: Header = Header {
    description: "The code of the partner that a call about users, cards or money is for: the \
                  operator's accounts must name it, others may, and it is their own.",
    ..ACTED_FOR
};

const STEP_UP: Header = Header {
    name: "X-Step-Up",
    description: "Unless the partner does without: the challenge of `POST /customers/me/step-up`, \
                  a full stop, and base64 for URLs of the device's signature over it (ECDSA with \
                  SHA-256, as DER). Signed are challenge, method and path, a line feed between \
                  each two. At most 60 seconds old, good for one call.",
    required: Required::False,
    form: || schema::pattern("^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$").build(),
};

/// The headers of a call, by whether it changes something and whether it has to be signed.
fn headers(channel: Channel, (changes, signed): (bool, bool)) -> Vec<Header> {
    let issuer = match channel {
        Channel::Lifecycle => Some(ISSUER_CODE),
        Channel::Secure => Some(ACTED_FOR),
        Channel::Admin => Some(PARTNER),
        Channel::Thc | Channel::Processor | Channel::Sandbox | Channel::Customers => None,
    };
    let key = match channel {
        Channel::Processor => Header { required: Required::True, ..KEY },
        Channel::Lifecycle
        | Channel::Secure
        | Channel::Thc
        | Channel::Sandbox
        | Channel::Customers
        | Channel::Admin => KEY,
    };
    let mut headers: Vec<Header> = issuer.into_iter().collect();
    if changes {
        headers.push(key);
    }
    if signed {
        headers.push(STEP_UP);
    }
    headers.extend([ENCRYPTED_REQUEST, ENCRYPT_RESPONSE, PUBLIC_KEY, REQUEST_ID]);
    headers
}

/// References to the headers of a call.
pub(super) fn references(channel: Channel, asked: (bool, bool)) -> impl Iterator<Item = Ref> {
    let headers = headers(channel, asked).into_iter();
    headers.map(|header| Ref::new(format!("#/components/parameters/{}", header.name)))
}

/// The headers of a channel's calls, to refer to.
pub(super) fn components(components: ComponentsBuilder, channel: Channel) -> ComponentsBuilder {
    let signed = channel == Channel::Customers;
    headers(channel, (true, signed)).into_iter().fold(components, |components, header| {
        let parameter = ParameterBuilder::new()
            .name(header.name)
            .parameter_in(ParameterIn::Header)
            .required(header.required)
            .description(Some(header.description))
            .schema(Some((header.form)()));
        components.parameter(header.name, parameter.build())
    })
}
