//! A client that comes in: what it wants, and whether it knows the password.

use std::sync::OnceLock;

use bytes::BytesMut;
use postern_wire::startup::{PROTOCOL_3_0, StartupMessage, StartupPacket};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{LIMIT, run};
use crate::password::{Asker, PasswordAdmission, PasswordMethod};
use crate::startup::{Opening, OpeningError, for_server, open, unrecognized};
use crate::stream::ClientStream;
use crate::upstream::{Dial, Endpoint, Transport};

const PASSWORD: &str = "the-local-password";

const METHODS: [PasswordMethod; 3] = [PasswordMethod::ScramSha256, PasswordMethod::Md5, PasswordMethod::Cleartext];

/// The first byte says how the password is asked for, the rest is the client's. Requests for encryption are answered no, once each;
/// a start-up message reaches the server with the granted user and database and no other; and nobody is let in who has not sent the
/// password, in the clear where that is what was asked for.
pub fn check(data: &[u8]) {
    let Some((first, said)) = data.split_first() else { return };
    let method = METHODS[usize::from(first % 3)];
    run(async {
        let (ours, mut theirs) = tokio::io::duplex(16 * 1024);
        let said = &said[..said.len().min(16 * 1024)];
        theirs.write_all(said).await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut stream = ClientStream::Internal(ours);
        let mut received = BytesMut::new();

        let opening = open(&mut stream, &mut received, None, LIMIT).await;
        let asked = as_expected(said, &opening);
        if let Ok(Opening::Startup(message)) = &opening {
            reaches_the_server(message);
            let user = message.parameter("user").unwrap_or_default();
            if let Ok(answer) = asker(method).ask(&mut stream, &mut received, user, LIMIT).await
                && answer.check().is_ok()
            {
                let right = [PASSWORD.as_bytes(), b"\0"].concat();
                let sent = said.windows(right.len()).any(|window| window == right);
                assert!(method == PasswordMethod::Cleartext && sent, "somebody without the password was let in");
            }
        }
        drop(stream);
        let mut told = Vec::new();
        theirs.read_to_end(&mut told).await.unwrap();
        assert!(told.starts_with(&vec![b'N'; asked]));
        assert!(method == PasswordMethod::Cleartext || !super::holds(&told, PASSWORD));
    });
}

/// Compares with what the packets say when they are read one after the other; gives how many asked for encryption and were told no.
fn as_expected(said: &[u8], opening: &Result<Opening, OpeningError>) -> usize {
    let mut rest = BytesMut::from(said);
    let (mut tls, mut gss) = (0, 0);
    loop {
        if rest.first() == Some(&0x16) {
            assert!(matches!(opening, Err(OpeningError::DirectTls)));
            return tls + gss;
        }
        match StartupPacket::take(&mut rest) {
            Ok(None) => {
                assert!(matches!(opening, Err(OpeningError::Closed)), "{opening:?}");
                return tls + gss;
            }
            Err(error) => {
                assert!(matches!(opening, Err(OpeningError::Malformed(found)) if *found == error), "{opening:?}");
                return tls + gss;
            }
            Ok(Some(StartupPacket::Startup(message))) => {
                assert!(matches!(opening, Ok(Opening::Startup(found)) if *found == message), "{opening:?}");
                return tls + gss;
            }
            Ok(Some(StartupPacket::CancelRequest(key))) => {
                assert!(matches!(opening, Ok(Opening::Cancel(found)) if *found == key), "{opening:?}");
                return tls + gss;
            }
            Ok(Some(StartupPacket::SslRequest)) => tls += 1,
            Ok(Some(StartupPacket::GssEncRequest)) => gss += 1,
        }
        if tls > 1 || gss > 1 {
            assert!(matches!(opening, Err(OpeningError::AskedTwice)), "{opening:?}");
            return 2.min(tls + gss - 1);
        }
    }
}

/// Who may log in where is decided here, so what the client says of it stays here.
fn reaches_the_server(message: &StartupMessage) {
    let dial = Dial {
        knows_read_only: false,
        endpoint: Endpoint { host: "db.invalid".into(), port: 1, transport: Transport::Plaintext },
        user: "IAMR:analyst".into(),
        database: "granted".into(),
        password: SecretString::from("not used"),
    };
    let for_server = for_server(message, &dial, false);
    let values = |name: &str| -> Vec<_> {
        let parameters = for_server.parameters.iter().filter(|(known, _)| known == name);
        parameters.map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!((values("user"), values("database")), (vec!["IAMR:analyst"], vec!["granted"]));
    assert_eq!(for_server.version, PROTOCOL_3_0);
    assert!(!for_server.parameters.iter().any(|(name, _)| name.starts_with("_pq_.")));
    assert!(!values("client_encoding").is_empty());
    for digits in values("extra_float_digits") {
        assert!(!matches!(digits.trim().parse::<i64>(), Ok(3..)));
    }
    // It is said as it is meant: nothing in a value makes another parameter of it.
    let mut out = BytesMut::new();
    StartupPacket::Startup(for_server.clone()).encode(&mut out).unwrap();
    if out.len() <= postern_wire::startup::MAX_LENGTH {
        assert_eq!(StartupPacket::take(&mut out), Ok(Some(StartupPacket::Startup(for_server))));
    }
    let newer = message.minor() > 0 || message.parameters.iter().any(|(name, _)| name.starts_with("_pq_."));
    assert_eq!(unrecognized(message).is_some(), newer);
}

/// Made once: it takes thousands of hashes.
fn asker(method: PasswordMethod) -> &'static Asker {
    static ASKERS: OnceLock<[Asker; 3]> = OnceLock::new();
    let askers = ASKERS.get_or_init(|| {
        METHODS.map(|method| {
            let admission = PasswordAdmission::given(method, SecretString::from(PASSWORD)).unwrap();
            Asker::new(&admission).unwrap()
        })
    });
    &askers[METHODS.iter().position(|known| *known == method).unwrap()]
}
