//! What has to be settled about the process before a window can open.

/// Warnings, except zbus's about its own connection when the session bus goes first.
const QUIET: &str = "warn,zbus::connection=error";

/// Logs go to stderr; `POSTERN_LOG` takes the usual filters (`debug`, `postern_proxy=trace`).
pub(crate) fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("POSTERN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(QUIET));
    // Fails only when a subscriber is set already, which then stays.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// One TLS provider for the whole process.
pub(crate) fn install_crypto_provider() {
    // Fails only when one is installed already, which then stays.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// WebKitGTK's DMA-BUF renderer shows an empty window on a number of drivers and on most remote displays, so it is off
/// unless the person chose. WebKit reads the choice from the environment, and changing one's own environment is
/// unsound once threads run: so the process starts itself over, once, under the same process id.
#[cfg(target_os = "linux")]
pub(crate) fn settle_webkit() {
    use std::os::unix::process::CommandExt as _;

    const CHOICE: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    if std::env::var_os(CHOICE).is_some() {
        return;
    }
    let mut arguments = std::env::args_os();
    let Some(name) = arguments.next() else { return };
    let error = match std::env::current_exe() {
        Ok(program) => std::process::Command::new(program).arg0(name).args(arguments).env(CHOICE, "1").exec(),
        Err(error) => error,
    };
    tracing::warn!(%error, "WebKit keeps its default renderer");
}

/// Other systems have another WebView.
#[cfg(not(target_os = "linux"))]
pub(crate) fn settle_webkit() {}
