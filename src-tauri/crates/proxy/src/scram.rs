//! SCRAM-SHA-256 from the server's side (RFC 5802 with RFC 7677), as values: messages in, messages out.
//!
//! Nothing of the password is kept but what the mechanism needs: a salted hash that checks a proof, and a key that gives one in return.
//! Both are worked out once, so that a login pays for two HMACs and not for thousands. Channel binding is not offered: it would tell a
//! client nothing that a certificate made on this machine does not.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Name of the mechanism.
pub(crate) const MECHANISM: &str = "SCRAM-SHA-256";

/// What RFC 7677 asks for at least. More makes a person's poor password dearer to guess from a stolen verifier; ours is random, and its
/// verifier is never stored.
const ITERATIONS: u32 = 4096;

/// Bytes of salt, as PostgreSQL has them.
const SALT_LENGTH: usize = 16;

/// Random bytes of our half of the nonce, as PostgreSQL has them.
const NONCE_LENGTH: usize = 18;

type Hash = [u8; 32];

/// What checks proofs of one password.
pub(crate) struct Verifier {
    salt: [u8; SALT_LENGTH],
    stored_key: SecretBox<Hash>,
    server_key: SecretBox<Hash>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

/// Why an exchange does not come to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ScramError {
    /// The message does not follow the grammar, or what it echoes is not what was said.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// The client wants something that is allowed and not offered here.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The client does not know the password.
    #[error("the proof is wrong")]
    WrongProof,
}

impl Verifier {
    /// For a password of printable ASCII, which SASLprep leaves as it is.
    pub(crate) fn new(password: &[u8]) -> Result<Self, getrandom::Error> {
        let mut salt = [0; SALT_LENGTH];
        getrandom::fill(&mut salt)?;
        Ok(Self::with_salt(password, salt))
    }

    fn with_salt(password: &[u8], salt: [u8; SALT_LENGTH]) -> Self {
        let salted = salted_password(password, &salt);
        let client_key = mac(&salted, &[b"Client Key"]);
        let stored_key: Hash = Sha256::digest(client_key).into();
        let server_key = mac(&salted, &[b"Server Key"]);
        Self {
            salt,
            stored_key: SecretBox::new(Box::new(stored_key)),
            server_key: SecretBox::new(Box::new(server_key)),
        }
    }

    /// Answers the client's first message.
    pub(crate) fn begin(&self, client_first: &[u8]) -> Result<Exchange<'_>, BeginError> {
        let mut random = [0; NONCE_LENGTH];
        getrandom::fill(&mut random)?;
        Ok(self.begin_with(client_first, &BASE64_STANDARD.encode(random))?)
    }

    fn begin_with(&self, client_first: &[u8], our_nonce: &str) -> Result<Exchange<'_>, ScramError> {
        let first = ClientFirst::parse(client_first)?;
        let nonce = format!("{}{our_nonce}", first.nonce);
        let server_first = format!("r={nonce},s={},i={ITERATIONS}", BASE64_STANDARD.encode(self.salt));
        Ok(Exchange {
            verifier: self,
            gs2_header: first.gs2_header.to_owned(),
            client_first_bare: first.bare.to_owned(),
            nonce,
            server_first,
        })
    }
}

/// Why the first message was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BeginError {
    #[error(transparent)]
    Scram(#[from] ScramError),
    #[error("the system gave no random numbers")]
    Random(#[from] getrandom::Error),
}

/// An exchange that waits for the client's proof.
pub(crate) struct Exchange<'a> {
    verifier: &'a Verifier,
    gs2_header: String,
    client_first_bare: String,
    nonce: String,
    server_first: String,
}

impl Exchange<'_> {
    /// What the client is to be sent now.
    pub(crate) fn server_first(&self) -> &[u8] {
        self.server_first.as_bytes()
    }

    /// Checks the proof; gives the message with ours.
    pub(crate) fn finish(&self, client_final: &[u8]) -> Result<String, ScramError> {
        let last = ClientFinal::parse(client_final)?;
        if last.channel_binding != BASE64_STANDARD.encode(&self.gs2_header) {
            return Err(ScramError::Malformed("the channel binding is not the one of the first message"));
        }
        if last.nonce != self.nonce {
            return Err(ScramError::Malformed("the nonce is not the one that was sent"));
        }
        let told = [self.client_first_bare.as_bytes(), b",", self.server_first.as_bytes(), b",", last.without_proof];
        let stored_key = self.verifier.stored_key.expose_secret();
        let client_key = xor(last.proof, mac(stored_key, &told));
        let hashed: Hash = Sha256::digest(client_key).into();
        if !bool::from(hashed.ct_eq(stored_key)) {
            return Err(ScramError::WrongProof);
        }
        let signature = mac(self.verifier.server_key.expose_secret(), &told);
        Ok(format!("v={}", BASE64_STANDARD.encode(signature)))
    }
}

/// `n,,n=user,r=nonce`: a header about channel binding, and the rest, which is signed.
struct ClientFirst<'a> {
    gs2_header: &'a str,
    bare: &'a str,
    nonce: &'a str,
}

impl<'a> ClientFirst<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, ScramError> {
        let message = text(message)?;
        let (binding, rest) = message.split_once(',').ok_or(ScramError::Malformed("no channel-binding flag"))?;
        match binding {
            // `y`: the client could bind and thinks that we cannot, which is so.
            "n" | "y" => {}
            _ if binding.starts_with("p=") => return Err(ScramError::Unsupported("channel binding")),
            _ => return Err(ScramError::Malformed("an unknown channel-binding flag")),
        }
        let (identity, bare) = rest.split_once(',').ok_or(ScramError::Malformed("no authorization identity"))?;
        if !identity.is_empty() {
            return Err(ScramError::Unsupported("an authorization identity"));
        }
        if bare.starts_with("m=") {
            return Err(ScramError::Unsupported("a mandatory extension"));
        }
        // Whose name that is does not matter: the start-up message says it, and drivers send nothing or a `*` here.
        let (name, rest) = bare.split_once(',').ok_or(ScramError::Malformed("no nonce"))?;
        if !name.starts_with("n=") {
            return Err(ScramError::Malformed("no user name"));
        }
        let nonce = rest.split(',').next().and_then(|field| field.strip_prefix("r="));
        let nonce = nonce.filter(|nonce| is_nonce(nonce)).ok_or(ScramError::Malformed("no nonce"))?;
        let gs2_header = &message[..message.len() - bare.len()];
        Ok(Self { gs2_header, bare, nonce })
    }
}

/// `c=biws,r=nonce,p=proof`
struct ClientFinal<'a> {
    channel_binding: &'a str,
    nonce: &'a str,
    without_proof: &'a [u8],
    proof: Hash,
}

impl<'a> ClientFinal<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, ScramError> {
        let message = text(message)?;
        // The proof is the last field; base64 holds no comma.
        let (without_proof, proof) = message.rsplit_once(",p=").ok_or(ScramError::Malformed("no proof"))?;
        let mut fields = without_proof.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name));
        let channel_binding = field("c=").ok_or(ScramError::Malformed("no channel binding"))?;
        let nonce = field("r=").ok_or(ScramError::Malformed("no nonce"))?;
        let proof = BASE64_STANDARD.decode(proof).map_err(|_| ScramError::Malformed("the proof is not base64"))?;
        let proof = proof.try_into().map_err(|_| ScramError::Malformed("the proof has another length"))?;
        Ok(Self { channel_binding, nonce, without_proof: without_proof.as_bytes(), proof })
    }
}

fn text(message: &[u8]) -> Result<&str, ScramError> {
    std::str::from_utf8(message).map_err(|_| ScramError::Malformed("not UTF-8"))
}

/// Printable ASCII but for the comma.
fn is_nonce(nonce: &str) -> bool {
    !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// RFC 5802's Hi: PBKDF2 with one block.
fn salted_password(password: &[u8], salt: &[u8]) -> Hash {
    let keyed = keyed(password);
    let mut last = finish(keyed.clone(), &[salt, &[0, 0, 0, 1]]);
    let mut sum = last;
    for _ in 1..ITERATIONS {
        last = finish(keyed.clone(), &[&last]);
        sum = xor(sum, last);
    }
    sum
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hash {
    finish(keyed(key), parts)
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn finish(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> Hash {
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn xor(mut one: Hash, other: Hash) -> Hash {
    one.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
    one
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
    use proptest::prelude::*;

    use super::*;

    const PASSWORD: &[u8] = b"pencil";

    /// The exchange in RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc_holds_word_for_word() {
        let salt: [u8; 16] = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let verifier = Verifier::with_salt(PASSWORD, salt);
        let exchange =
            verifier.begin_with(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap();
        assert_eq!(
            std::str::from_utf8(exchange.server_first()).unwrap(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(exchange.finish(last).unwrap(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    fn by_client(channel_binding: ChannelBinding, password: &[u8]) -> Result<(), ScramError> {
        let verifier = Verifier::new(PASSWORD).unwrap();
        let mut client = ScramSha256::new(password, channel_binding);
        let Ok(exchange) = verifier.begin(client.message()) else { panic!("the first message was refused") };
        client.update(exchange.server_first()).unwrap();
        let last = exchange.finish(client.message())?;
        client.finish(last.as_bytes()).unwrap();
        Ok(())
    }

    #[test]
    fn a_client_that_knows_the_password_is_let_in_and_believes_us() {
        assert_eq!(by_client(ChannelBinding::unsupported(), PASSWORD), Ok(()));
        assert_eq!(by_client(ChannelBinding::unrequested(), PASSWORD), Ok(()));
    }

    #[test]
    fn a_wrong_password_is_a_wrong_proof() {
        assert_eq!(by_client(ChannelBinding::unsupported(), b"pencils"), Err(ScramError::WrongProof));
    }

    #[test]
    fn first_messages_that_ask_for_more_or_make_no_sense_are_refused() {
        let verifier = Verifier::with_salt(PASSWORD, [0; 16]);
        for (message, unsupported) in [
            (&b"p=tls-server-end-point,,n=,r=abc"[..], true),
            (b"n,a=admin,n=,r=abc", true),
            (b"n,,m=ext,n=,r=abc", true),
            (b"", false),
            (b"n", false),
            (b"n,", false),
            (b"x,,n=,r=abc", false),
            (b"n,,n=,r=", false),
            (b"n,,n=,r=a\x01b", false),
            (b"n,,n=", false),
            (b"n,,r=abc", false),
            (b"n,,n=\xff,r=abc", false),
        ] {
            let error = verifier.begin_with(message, "def").map(|_| ()).unwrap_err();
            assert_eq!(matches!(error, ScramError::Unsupported(_)), unsupported, "{error} for {message:?}");
        }
    }

    #[test]
    fn a_last_message_that_does_not_fit_the_first_is_refused() {
        let verifier = Verifier::with_salt(PASSWORD, [0; 16]);
        let exchange = verifier.begin_with(b"y,,n=,r=abc", "def").unwrap();
        let proof = BASE64_STANDARD.encode([0; 32]);
        for (message, expected) in [
            // `biws` is `n,,`: the flag was changed on the way.
            (format!("c=biws,r=abcdef,p={proof}"), "the channel binding is not the one of the first message"),
            (format!("c=eSws,r=abcdeg,p={proof}"), "the nonce is not the one that was sent"),
            (format!("c=eSws,r=abc,p={proof}"), "the nonce is not the one that was sent"),
            ("c=eSws,r=abcdef".to_owned(), "no proof"),
            ("c=eSws,r=abcdef,p=AAAA".to_owned(), "the proof has another length"),
            ("c=eSws,r=abcdef,p=?".to_owned(), "the proof is not base64"),
            (format!("r=abcdef,c=eSws,p={proof}"), "no channel binding"),
        ] {
            assert_eq!(exchange.finish(message.as_bytes()), Err(ScramError::Malformed(expected)), "{message}");
        }
        assert_eq!(exchange.finish(format!("c=eSws,r=abcdef,p={proof}").as_bytes()), Err(ScramError::WrongProof));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic_or_lets_it_believe(
            first in proptest::collection::vec(any::<u8>(), 0..40),
            last in proptest::collection::vec(any::<u8>(), 0..40),
            fields in "[npy=,a-z]{0,12}r=[ -~]{0,12}",
            rest in "(,?[crpe]=[A-Za-z0-9+/=]{0,50}){0,5}",
        ) {
            let verifier = Verifier {
                salt: [0; SALT_LENGTH],
                stored_key: SecretBox::new(Box::new([1; 32])),
                server_key: SecretBox::new(Box::new([2; 32])),
            };
            for first in [&first[..], fields.as_bytes(), b"n,,n=,r=abc"] {
                let Ok(exchange) = verifier.begin_with(first, "def") else { continue };
                let proved = format!("c=biws,r={},p={rest}", exchange.nonce);
                for last in [&last[..], rest.as_bytes(), proved.as_bytes()] {
                    prop_assert!(exchange.finish(last).is_err());
                }
            }
        }
    }

    #[test]
    fn a_verifier_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", Verifier::with_salt(PASSWORD, [7; 16])), "Verifier { .. }");
    }
}
