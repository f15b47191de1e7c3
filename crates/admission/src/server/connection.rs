//! Serving connections until told to stop.

use super::{Server, routes};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use veriseal::Failure;

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How long a client may take for the head of a request, and a connection may lie idle. API servers keep theirs for 90 s: were
/// ours to end first, requests would meet connections that are just being closed.
const HEAD: Duration = Duration::from_secs(120);
/// After a failed accept, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Server {
    /// Answers requests until `stop` is ready. Then `/readyz` says no; requests are still taken for the delay of the
    /// settings, those under way are finished within its patience, the audit log is finished, and this returns.
    ///
    /// # Errors
    /// [`veriseal::Code::ConfigInvalid`] where TLS cannot be set up.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), Failure> {
        let acceptor = TlsAcceptor::from(self.parts.certificates.config()?);
        let service = TowerToHyperService::new(routes::router(Arc::clone(&self)));
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.settings.connections));
        let reloading = tokio::spawn(Arc::clone(&self).reload_again_and_again());
        let mut stopped = pin!(async {
            stop.await;
            self.ready.store(false, Ordering::SeqCst);
            tokio::time::sleep(self.settings.stop_delay).await;
        });
        loop {
            let accepting = async {
                // The semaphore is never closed.
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut stopped => break,
                accepted = accepting => accepted,
            };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (acceptor, service, watcher, server) = (acceptor.clone(), service.clone(), graceful.watcher(), Arc::clone(&self));
            tokio::spawn(async move {
                let _place = place;
                let _counted = Counted::new(&server);
                let Some(stream) = handshake(&acceptor, stream).await else { return };
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .serve_connection(TokioIo::new(stream), service);
                // What a connection ends with is the client's affair.
                let _ = watcher.watch(connection).await;
            });
        }
        drop(listener);
        reloading.abort();
        if timeout(self.settings.stop_patience, graceful.shutdown()).await.is_err() {
            (self.parts.notes)("stopped although requests were under way");
        }
        let finishing = Arc::clone(&self);
        let written = tokio::task::spawn_blocking(move || finishing.parts.audit.finish()).await;
        if let Ok(written) = written
            && written.lost > 0
        {
            (self.parts.notes)(&format!("{} lines of the audit log could not be written", written.lost));
        }
        Ok(())
    }

    async fn reload_again_and_again(self: Arc<Self>) {
        let Some(every) = self.settings.reload_every else { return };
        loop {
            tokio::time::sleep(every).await;
            self.reload_now().await;
        }
    }

    /// [`Server::reload`] for callers that await.
    pub(super) async fn reload_now(self: &Arc<Self>) {
        let server = Arc::clone(self);
        let _ = tokio::task::spawn_blocking(move || server.reload()).await;
    }
}

async fn handshake(acceptor: &TlsAcceptor, stream: TcpStream) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    // Small answers to small questions: waiting for more to send would only delay them.
    stream.set_nodelay(true).ok()?;
    timeout(HANDSHAKE, acceptor.accept(stream)).await.ok()?.ok()
}

/// An open connection among those that are counted.
struct Counted(Arc<Server>);

impl Counted {
    fn new(server: &Arc<Server>) -> Self {
        server.parts.metrics.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(server))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.parts.metrics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
