//! Binds a proxy's port and Unix socket: all of them, or none. Not beyond loopback, unless that is asked for in so many words.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio_rustls::TlsAcceptor;

use crate::password::{Asker, PasswordMethod};
use crate::peer::Admission;
use crate::startup::ALPN;
use crate::throttle::{LoginDelay, Throttle};

/// Where to listen, and on what terms. Never anywhere but on this machine, unless that is asked for in so many words.
#[derive(Clone, Debug, Default)]
pub struct ListenOptions {
    /// A fixed port; any free one when absent.
    pub port: Option<u16>,
    /// One address in place of `127.0.0.1` and `::1`. Anything beyond loopback needs `allow_any_interface`, and a password.
    pub address: Option<IpAddr>,
    /// Other machines may reach it. What goes wrong then is that whoever reaches it may try passwords, and, without `tls`, that whoever is
    /// on the way may read and change everything.
    pub allow_any_interface: bool,
    /// Directory for a Unix socket named `.s.PGSQL.<port>`, as libpq looks for it. Made with mode 0700 when it is missing. Not offered on
    /// Windows.
    pub unix_dir: Option<PathBuf>,
    /// Who may come in.
    pub admission: Admission,
    /// Sessions forward only what is known to only read.
    pub read_only: bool,
    /// A certificate to offer TLS with, for clients that insist on it. Its ALPN is set here. A listener beyond loopback that has one takes
    /// no session in the clear.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Where a proxy listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listening {
    /// `127.0.0.1`, or the address that was asked for, and the port.
    pub tcp: SocketAddr,
    /// `[::1]` and the same port, where the machine has it and it was free.
    pub tcp6: Option<SocketAddr>,
    /// Path of the Unix socket.
    pub unix: Option<PathBuf>,
}

impl Listening {
    /// Other machines may be able to reach it.
    pub fn is_beyond_loopback(&self) -> bool {
        is_beyond_loopback(self.tcp.ip())
    }
}

fn is_beyond_loopback(address: IpAddr) -> bool {
    !address.to_canonical().is_loopback()
}

/// Why a proxy could not listen. Nothing is left bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another program, or another proxy, has the port.
    #[error("port {port} is in use")]
    PortInUse {
        /// Which.
        port: u16,
    },
    /// Other machines could reach the address, and nobody has said that they may.
    #[error("{address} can be reached from other machines")]
    BeyondLoopback {
        /// Which.
        address: IpAddr,
    },
    /// Other machines could reach the address, and no password would stop anybody there.
    #[error("{address} can be reached from other machines, so a password is needed")]
    NeedsPassword {
        /// Which.
        address: IpAddr,
    },
    /// Other machines could reach the address, and the password could be read or guessed on the way.
    #[error("{address} can be reached from other machines, so passwords other than by SCRAM need TLS")]
    NeedsTls {
        /// Which.
        address: IpAddr,
    },
    /// The system gave no random numbers to prepare the password with.
    #[error("the system gave no random numbers")]
    Random(#[source] getrandom::Error),
    /// The port could not be bound for another reason, such as a number below 1024.
    #[error("port {port} cannot be bound")]
    Port {
        /// Which; 0 when any would have done.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another program answers on the socket.
    #[error("the socket {} is in use", path.display())]
    SocketInUse {
        /// Which.
        path: PathBuf,
    },
    /// The socket's directory belongs to somebody else or lets others in.
    #[error("the directory {} is not private to you", path.display())]
    NotPrivate {
        /// Which.
        path: PathBuf,
    },
    /// The socket could not be made; a path longer than about 100 bytes is the usual reason.
    #[error("the socket {} cannot be bound", path.display())]
    Socket {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The proxy listens already.
    #[error("the proxy listens already, on port {port}")]
    AlreadyListening {
        /// Where.
        port: u16,
    },
    /// The proxy has been shut down.
    #[error("the proxy is shut down")]
    ShutDown,
}

/// What a listener asks of those who come, and what it has for them.
pub(crate) struct Terms {
    pub(crate) asks: Asks,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Takes no session in the clear.
    pub(crate) needs_tls: bool,
    /// Its sessions may only read.
    pub(crate) read_only: bool,
}

/// How a listener knows who may come in: [`Admission`] with what is remembered and prepared for it.
pub(crate) enum Asks {
    Nothing,
    SameUser,
    Password { asker: Asker, throttle: Throttle },
}

impl Terms {
    pub(crate) fn new(options: &ListenOptions, delay: LoginDelay) -> Result<Self, ListenError> {
        let asks = match &options.admission {
            Admission::SameUser => Asks::SameUser,
            Admission::AnyLocalUser => Asks::Nothing,
            Admission::Password(password) => Asks::Password {
                asker: Asker::new(password).map_err(ListenError::Random)?,
                throttle: Throttle::new(delay),
            },
        };
        let tls = options.tls.as_ref().map(|config| {
            let mut config = ServerConfig::clone(config);
            config.alpn_protocols = vec![ALPN.to_vec()];
            TlsAcceptor::from(Arc::new(config))
        });
        let needs_tls = tls.is_some() && options.address.is_some_and(is_beyond_loopback);
        Ok(Self { asks, tls, needs_tls, read_only: options.read_only })
    }
}

/// Sockets that are bound and listening.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) tcp: TcpListener,
    pub(crate) tcp6: Option<TcpListener>,
    #[cfg(unix)]
    pub(crate) unix: Option<OwnedSocket>,
    pub(crate) listening: Listening,
}

impl Sockets {
    /// Binds all of them. What has been bound before a failure is closed by being dropped.
    pub(crate) async fn bind(options: &ListenOptions) -> Result<Self, ListenError> {
        let wanted = options.port.unwrap_or(0);
        let host = options.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if is_beyond_loopback(host) {
            check_beyond_loopback(options, host)?;
        }
        let tcp = TcpListener::bind((host, wanted)).await.map_err(|error| port_error(wanted, error))?;
        let address = tcp.local_addr().map_err(|source| ListenError::Port { port: wanted, source })?;
        // Best effort: a machine may have no IPv6, or somebody else this port on it; clients told 127.0.0.1 do not mind.
        let tcp6 = match options.address {
            Some(_) => None,
            None => TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await.ok(),
        };
        let tcp6_address = tcp6.as_ref().and_then(|listener| listener.local_addr().ok());
        #[cfg(unix)]
        let unix = match &options.unix_dir {
            Some(dir) => Some(OwnedSocket::bind(dir, address.port())?),
            None => None,
        };
        #[cfg(unix)]
        let unix_path = unix.as_ref().map(|socket| socket.path.clone());
        #[cfg(not(unix))]
        let unix_path = None;
        let listening = Listening { tcp: address, tcp6: tcp6_address, unix: unix_path };
        Ok(Self {
            tcp,
            tcp6,
            #[cfg(unix)]
            unix,
            listening,
        })
    }
}

/// Everything that must be so before other machines are let near.
fn check_beyond_loopback(options: &ListenOptions, address: IpAddr) -> Result<(), ListenError> {
    if !options.allow_any_interface {
        return Err(ListenError::BeyondLoopback { address });
    }
    match &options.admission {
        Admission::SameUser | Admission::AnyLocalUser => Err(ListenError::NeedsPassword { address }),
        Admission::Password(password) if password.method() == PasswordMethod::ScramSha256 || options.tls.is_some() => {
            Ok(())
        }
        Admission::Password(_) => Err(ListenError::NeedsTls { address }),
    }
}

fn port_error(port: u16, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::PortInUse { port },
        _ => ListenError::Port { port, source },
    }
}

/// A Unix socket whose file goes away with it.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct OwnedSocket {
    pub(crate) listener: UnixListener,
    path: PathBuf,
}

#[cfg(unix)]
impl OwnedSocket {
    fn bind(dir: &Path, port: u16) -> Result<Self, ListenError> {
        use std::os::unix::fs::PermissionsExt;

        let path = dir.join(format!(".s.PGSQL.{port}"));
        let failed = |source| ListenError::Socket { path: path.clone(), source };
        private_dir(dir)?;
        remove_stale(&path)?;
        let socket = Self { listener: UnixListener::bind(&path).map_err(failed)?, path: path.clone() };
        // Nobody else could reach it before this either: the directory is private.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(socket)
    }
}

#[cfg(unix)]
impl Drop for OwnedSocket {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Makes the directory, or checks that the one that is there lets nobody else in.
#[cfg(unix)]
fn private_dir(dir: &Path) -> Result<(), ListenError> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};

    let failed = |source| ListenError::Socket { path: dir.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let found = std::fs::metadata(dir).map_err(failed)?;
    let ours = crate::peer::own_uid().map_err(failed)?;
    if found.uid() != ours || found.mode() & 0o077 != 0 {
        return Err(ListenError::NotPrivate { path: dir.to_owned() });
    }
    Ok(())
}

/// Removes a socket that a killed program left behind; one that answers is somebody's.
#[cfg(unix)]
fn remove_stale(path: &Path) -> Result<(), ListenError> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(ListenError::SocketInUse { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|source| ListenError::Socket { path: path.to_owned(), source })
        }
        // Nothing there; anything else that is wrong with the path binding it will tell.
        Err(_) => Ok(()),
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    use super::*;
    use crate::password::PasswordAdmission;

    fn options(dir: &Path) -> ListenOptions {
        ListenOptions { unix_dir: Some(dir.join("run")), ..ListenOptions::default() }
    }

    #[tokio::test]
    async fn the_unix_socket_is_private_and_goes_away() {
        let dir = tempfile::tempdir().unwrap();
        let sockets = Sockets::bind(&options(dir.path())).await.unwrap();
        let path = sockets.listening.unix.clone().unwrap();
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!(".s.PGSQL.{}", sockets.listening.tcp.port()));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(sockets);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_as_such_and_leaves_nothing_bound() {
        let dir = tempfile::tempdir().unwrap();
        let first = Sockets::bind(&ListenOptions::default()).await.unwrap();
        let port = first.listening.tcp.port();
        let second = Sockets::bind(&ListenOptions { port: Some(port), ..options(dir.path()) }).await;
        assert!(matches!(second, Err(ListenError::PortInUse { port: told }) if told == port));
        assert!(!dir.path().join("run").exists());
    }

    #[tokio::test]
    async fn a_directory_that_lets_others_in_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = dir.path().join("open");
        std::fs::DirBuilder::new().mode(0o755).create(&open).unwrap();
        let refused = Sockets::bind(&ListenOptions { unix_dir: Some(open), ..ListenOptions::default() }).await;
        assert!(matches!(refused, Err(ListenError::NotPrivate { .. })));
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".s.PGSQL.5439");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let live = OwnedSocket::bind(dir.path(), 5439).unwrap();
        assert!(matches!(OwnedSocket::bind(dir.path(), 5439), Err(ListenError::SocketInUse { .. })));
        drop(live);
    }

    fn wide(method: PasswordMethod) -> ListenOptions {
        ListenOptions {
            address: Some("192.0.2.1".parse().unwrap()),
            allow_any_interface: true,
            admission: Admission::Password(PasswordAdmission::random(method).unwrap()),
            ..ListenOptions::default()
        }
    }

    #[test]
    fn beyond_loopback_scram_will_do_and_with_a_certificate_nothing_goes_in_the_clear() {
        let options = wide(PasswordMethod::ScramSha256);
        assert!(check_beyond_loopback(&options, options.address.unwrap()).is_ok());
        assert!(!Terms::new(&options, LoginDelay::default()).unwrap().needs_tls);

        let tls = Some(Arc::new(certified()));
        let options = ListenOptions { tls: tls.clone(), ..wide(PasswordMethod::Cleartext) };
        assert!(check_beyond_loopback(&options, options.address.unwrap()).is_ok());
        assert!(Terms::new(&options, LoginDelay::default()).unwrap().needs_tls);
        // On this machine the same certificate is an offer only.
        let options = ListenOptions { tls, ..ListenOptions::default() };
        assert!(!Terms::new(&options, LoginDelay::default()).unwrap().needs_tls);
    }

    fn certified() -> ServerConfig {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(["db.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())
            .unwrap()
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        for (address, beyond) in [
            ("127.0.0.1", false),
            ("127.1.2.3", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", true),
            ("::", true),
            ("192.168.0.1", true),
            ("::ffff:192.168.0.1", true),
            ("fe80::1", true),
        ] {
            assert_eq!(is_beyond_loopback(address.parse().unwrap()), beyond, "{address}");
        }
    }
}
