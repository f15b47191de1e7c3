//! [`run`]: a server as the main thing of a process: an address and signals.

use super::Server;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use veriseal::{Code, Failure};

/// Listens and serves until SIGTERM or SIGINT; SIGHUP reads policies and certificate again at once. Blocks. The address that
/// is listened on goes to the server's notes.
///
/// # Errors
/// [`Code::ConfigInvalid`] where the address cannot be listened on, and where the system gives no runtime or signals.
pub fn run(server: Arc<Server>, address: SocketAddr) -> Result<(), Failure> {
    let unusable = |what: &str, error: std::io::Error| Failure::new(Code::ConfigInvalid).found(error).at(what);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("veriseal-admission")
        .build()
        .map_err(|error| unusable("the runtime", error))?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(|error| unusable(&format!("listening on {address}"), error))?;
        let address = listener.local_addr().map_err(|error| unusable("listening", error))?;
        let stop = signals(&server).map_err(|error| unusable("signals", error))?;
        (server.parts.notes)(&format!("listening on {address}"));
        server.serve(listener, stop).await
    })
}

/// Ready when the process is told to stop; reloads meanwhile, where it is told to.
#[cfg(unix)]
fn signals(server: &Arc<Server>) -> std::io::Result<impl Future<Output = ()> + use<>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hangup = signal(SignalKind::hangup())?;
    let server = Arc::clone(server);
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                _ = hangup.recv() => server.reload_now().await,
            }
        }
    })
}

/// Ready when the process is told to stop.
#[cfg(not(unix))]
fn signals(_: &Arc<Server>) -> std::io::Result<impl Future<Output = ()> + use<>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
