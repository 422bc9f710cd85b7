//! The agent that `ssh` asks for signatures (draft-ietf-sshm-ssh-agent), so that our key is never
//! in a file. It knows one key, listing it and signing with it, and refuses all else.

use crypto::ssh::{SshKey, string};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// Bytes of a request at most.
const REQUEST_LEN_MAX: u32 = 256 << 10;
const FAILURE: u8 = 5;
const LIST: u8 = 11;
const LISTED: u8 = 12;
const SIGN: u8 = 13;
const SIGNED: u8 = 14;

/// Answers whoever connects, until it is dropped.
pub(super) async fn serve(listener: UnixListener, key: Arc<SshKey>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        // Who hangs up wants nothing more.
        while answer(&mut stream, &key).await.is_ok() {}
    }
}

async fn answer(stream: &mut UnixStream, key: &SshKey) -> io::Result<()> {
    let len = stream.read_u32().await?;
    if len > REQUEST_LEN_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut request = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    stream.read_exact(&mut request).await?;
    stream.write_all(&string(&reply(&request, key))).await
}

fn reply(request: &[u8], key: &SshKey) -> Vec<u8> {
    let public = string(&key.public());
    match request.split_first() {
        Some((&LIST, _)) => {
            [&[LISTED][..], &1_u32.to_be_bytes(), &public, &string(b"antaca")].concat()
        }
        Some((&SIGN, rest)) => match signed(rest, key) {
            Some(signature) => [vec![SIGNED], string(&signature)].concat(),
            None => vec![FAILURE],
        },
        _ => vec![FAILURE],
    }
}

/// The signature that is asked for; none by another key.
fn signed(request: &[u8], key: &SshKey) -> Option<Vec<u8>> {
    let (public, rest) = take(request)?;
    let (message, _flags) = take(rest)?;
    (public == key.public()).then(|| key.sign(message))
}

/// The string that something begins with, and what follows it.
fn take(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lists_its_key_signs_with_it_and_refuses_the_rest() {
        let (key, other) = (SshKey::generate(), SshKey::generate());
        let public = string(&key.public());
        let listed = [b"\x0c\0\0\0\x01".to_vec(), public.clone(), string(b"antaca")].concat();
        assert_eq!(reply(&[LIST], &key), listed);
        let request = |public: &[u8]| [&[SIGN][..], public, &string(b"text"), &[0; 4]].concat();
        let signature = [vec![SIGNED], string(&key.sign(b"text"))].concat();
        assert_eq!(reply(&request(&public), &key), signature);
        let foreign = request(&string(&other.public()));
        let cut = [SIGN, 0, 0, 0, 9, 1];
        // 27 is an extension, 17 would add a key.
        for wrong in [&foreign[..], &cut, &[SIGN], &[17], &[27, 1], &[]] {
            assert_eq!(reply(wrong, &key), [FAILURE], "{wrong:?}");
        }
    }
}
