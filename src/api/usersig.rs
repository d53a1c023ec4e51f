//! `UserSig`: the signature in every call.
//!
//! Source: the official libraries `tls-sig-api-v2`, which agree. The claims are signed with
//! HMAC-SHA256, written as JSON, compressed with zlib and encoded in their own variant of base64.

use std::fmt;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::secret::Secret;

/// The maximum size of an unpacked `UserSig`, in bytes; a real one has about 200.
const MAX_UNPACKED: u64 = 16 * 1024;

/// The claims in a `UserSig`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The version of the format, `2.0`.
    #[serde(rename = "TLS.ver")]
    pub version: String,
    /// The account it was made for.
    #[serde(rename = "TLS.identifier")]
    pub identifier: String,
    /// The app it was made for.
    #[serde(rename = "TLS.sdkappid")]
    pub app: u64,
    /// How long it is valid, in seconds from `time`.
    #[serde(rename = "TLS.expire")]
    pub expire: u64,
    /// When it was made, in Unix seconds.
    #[serde(rename = "TLS.time")]
    pub time: u64,
    /// Data that the app's owner added, in standard base64; `None` in those minted here.
    #[serde(rename = "TLS.userbuf", skip_serializing_if = "Option::is_none")]
    pub userbuf: Option<String>,
    /// The signature, in standard base64.
    #[serde(rename = "TLS.sig")]
    pub sig: String,
}

impl Claims {
    /// Returns the Unix second at which it expires.
    pub fn ends(&self) -> u64 {
        self.time.saturating_add(self.expire)
    }

    /// Returns whether it was signed with this key.
    pub fn signed_with(&self, key: &Secret) -> bool {
        let Ok(sig) = STANDARD.decode(&self.sig) else {
            return false;
        };
        self.signer(key).verify_slice(&sig).is_ok()
    }

    fn signer(&self, key: &Secret) -> Hmac<Sha256> {
        let Self {
            app,
            identifier,
            time,
            expire,
            ..
        } = self;
        let text = format!(
            "TLS.identifier:{identifier}\nTLS.sdkappid:{app}\nTLS.time:{time}\nTLS.expire:{expire}\n"
        );
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
            .expect("HMAC takes a key of any length");
        mac.update(text.as_bytes());
        if let Some(userbuf) = &self.userbuf {
            mac.update(format!("TLS.userbuf:{userbuf}\n").as_bytes());
        }
        mac
    }
}

/// Why a text is not a `UserSig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It has a character that is not allowed, or lacks one.
    Base64,
    /// It can't be unpacked: cut off or altered.
    Zlib,
    /// It doesn't have the expected fields.
    Fields,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base64 => "it lacks a character, or has one that no UserSig has; is it cut off?",
            Self::Zlib => "it can't be unpacked; is it cut off or altered?",
            Self::Fields => "it unpacks to something other than a UserSig",
        })
    }
}

/// Returns the wall clock in Unix seconds, as `UserSig`s use it.
pub fn now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

/// Signs a `UserSig` for an account of an app.
///
/// `time` is in Unix seconds, `expire` in seconds after it. The key is the text that the console
/// shows, used as bytes.
pub fn mint(key: &Secret, app: u64, identifier: &str, time: u64, expire: u64) -> Secret {
    let mut claims = Claims {
        version: "2.0".to_owned(),
        identifier: identifier.to_owned(),
        app,
        expire,
        time,
        userbuf: None,
        sig: String::new(),
    };
    claims.sig = STANDARD.encode(claims.signer(key).finalize().into_bytes());
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut packed, &claims).expect("claims serialize");
    let packed = packed.finish().expect("writing to a Vec can't fail");
    Secret::new(swap(
        &STANDARD.encode(packed),
        [('+', '*'), ('/', '-'), ('=', '_')],
    ))
}

/// Reads the claims of a `UserSig`, without checking its signature.
///
/// # Errors
/// [`Malformed`], if it is not a `UserSig`.
pub fn decode(usersig: &str) -> Result<Claims, Malformed> {
    let plain = swap(usersig, [('*', '+'), ('-', '/'), ('_', '=')]);
    let packed = STANDARD.decode(plain).map_err(|_| Malformed::Base64)?;
    let mut json = Vec::new();
    ZlibDecoder::new(packed.as_slice())
        .take(MAX_UNPACKED)
        .read_to_end(&mut json)
        .map_err(|_| Malformed::Zlib)?;
    serde_json::from_slice(&json).map_err(|_| Malformed::Fields)
}

fn swap(text: &str, pairs: [(char, char); 3]) -> String {
    text.chars()
        .map(|c| {
            pairs
                .iter()
                .find(|(from, _)| *from == c)
                .map_or(c, |(_, to)| *to)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The key of the official samples; public.
    const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";

    fn minted(identifier: &str, time: u64, expire: u64) -> Claims {
        let usersig = mint(&Secret::new(KEY), 1_400_000_000, identifier, time, expire);
        decode(usersig.expose()).expect("a minted UserSig")
    }

    #[test]
    fn signatures_match_those_of_the_official_libraries() {
        assert_eq!(
            minted("admin", 1_700_000_000, 86_400).sig,
            "4lUxqF/B+QS/FhzU388MWw47s2GIKgpTCF1WmWL/l5Y="
        );
        assert_eq!(
            minted("0", 1_569_910_200, 15_552_000).sig,
            "CpjuBdQs9ZwnuGAJR8onoOeI9fweX2vIMMY94iOJWJY="
        );
    }

    #[test]
    fn a_usersig_names_app_identifier_and_expiry() {
        let claims = minted("admin", 1_700_000_000, 86_400);
        assert_eq!(
            (claims.app, claims.identifier.as_str(), claims.ends()),
            (1_400_000_000, "admin", 1_700_086_400)
        );
    }

    #[test]
    fn a_signature_verifies_only_with_its_key_and_claims() {
        let claims = minted("admin", 1_700_000_000, 86_400);
        assert!(claims.signed_with(&Secret::new(KEY)));
        assert!(!claims.signed_with(&Secret::new("another")));
        let stretched = Claims {
            expire: 99_999_999,
            ..claims
        };
        assert!(!stretched.signed_with(&Secret::new(KEY)));
    }

    #[test]
    fn a_usersig_is_packed_without_an_empty_block_at_its_end() {
        // Every character counts: it is in the URL of every call.
        let usersig = mint(
            &Secret::new(KEY),
            1_400_000_000,
            "admin",
            1_700_000_000,
            86_400,
        );
        let packed = STANDARD
            .decode(swap(usersig.expose(), [('*', '+'), ('-', '/'), ('_', '=')]))
            .expect("base64");
        assert!(!packed.windows(4).any(|bytes| bytes == [0, 0, 0xff, 0xff]));
    }

    #[test]
    fn a_cut_off_usersig_is_malformed() {
        let whole = mint(&Secret::new(KEY), 1, "admin", 1, 1);
        let cut = &whole.expose()[..whole.expose().len() / 8 * 4];
        assert_eq!(decode(cut), Err(Malformed::Zlib));
        assert_eq!(decode("not one!"), Err(Malformed::Base64));
    }

    proptest! {
        #[test]
        fn a_usersig_is_safe_in_urls_and_reads_back(identifier in ".{1,32}", time: u32, expire: u32) {
            let usersig = mint(&Secret::new(KEY), 7, &identifier, time.into(), expire.into());
            prop_assert!(usersig.expose().chars().all(|c| c.is_ascii_alphanumeric() || "*-_".contains(c)));
            let claims = decode(usersig.expose()).expect("reads back");
            prop_assert_eq!(&claims.identifier, &identifier);
            prop_assert!(claims.signed_with(&Secret::new(KEY)));
        }

        #[test]
        fn any_other_text_is_malformed(text in ".{0,200}") {
            prop_assert!(decode(&text).is_err());
        }
    }
}
