//! `veriseal admission serve`: the webhook as the command line describes it.

use crate::arguments::{AdmissionServeArguments, AuditFull};
use crate::exit::Exit;
use crate::judging::signature_repository;
use crate::source::Failed;
use crate::{clock, file, registry};
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;
use veriseal::VerdictCache;
use veriseal_admission::server::{
    Audit, Bounds, Certificates, Metrics, Parts, Policies, QUEUE, RotatingFile, Server, Settings, WhenFull, run as serve,
};
use veriseal_registry::Cache;

/// How much fetched content is kept in memory, in bytes, where `--cache` names no directory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a MiB.
const MIB: u64 = 1024 * 1024;

/// Serves until told to stop. The error is one sentence for the user.
pub(super) fn run(arguments: &AdmissionServeArguments) -> Result<Exit, String> {
    let metrics = Arc::new(Metrics::new());
    let signatures = signature_repository(&arguments.signatures)?;
    if signatures.as_ref().is_some_and(|repository| repository.registry().is_none()) {
        return Err("--signature-repository: a layout cannot be asked for the signatures of images in registries here".to_owned());
    }
    let when_full = match arguments.audit_full {
        AuditFull::Deny => WhenFull::Deny,
        AuditFull::Wait => WhenFull::Wait,
    };
    let parts = Parts {
        policies: Policies::load(arguments.policy.clone(), Arc::new(VerdictCache::new(entries(arguments.verdict_cache))))
            .map_err(|why| format!("--policy {why}"))?,
        certificates: Certificates::load(&arguments.tls_cert, &arguments.tls_key, clock::now())
            .map_err(|failure| format!("--tls-cert: {failure}"))?,
        registry: client(arguments, &metrics)?,
        audit: Audit::start(log(arguments)?, QUEUE, when_full).map_err(|failure| failure.to_string())?,
        metrics,
        clock: Arc::new(clock::now),
        // Reports go to standard output and notes to standard error, here too.
        notes: Arc::new(|note| {
            let _ = writeln!(std::io::stderr(), "veriseal: {note}");
        }),
    };
    let deadline = Duration::from_secs(arguments.deadline);
    let settings = Settings {
        deadline,
        image_deadline: deadline.min(Duration::from_secs(arguments.registry.timeout)),
        bounds: Bounds {
            reviews: arguments.max_requests,
            images_per_registry: arguments.max_images_per_registry,
            ..Bounds::DEFAULT
        },
        dry_run: arguments.dry_run,
        signatures,
        reload_every: Some(Duration::from_secs(arguments.reload)),
        stop_delay: Duration::from_secs(arguments.stop_delay),
        ..Settings::default()
    };
    serve(Server::new(parts, settings), arguments.listen).map_err(|failure| failure.to_string())?;
    Ok(Exit::Accepted)
}

/// The registry client. What it fetched is kept, by digest: a warm review asks for the tag and the list of signatures alone.
fn client(arguments: &AdmissionServeArguments, metrics: &Arc<Metrics>) -> Result<veriseal_registry::Registry, Failed> {
    let cache = arguments.registry.cache.is_none().then(|| Cache::memory(CACHE_BYTES));
    // Which registries will be asked is not known: what belongs to one host must name it.
    registry::client_with(&arguments.registry, &[], Some(Arc::<Metrics>::clone(metrics)), cache)
}

fn log(arguments: &AdmissionServeArguments) -> Result<Box<dyn Write + Send>, String> {
    let Some(path) = &arguments.audit_log else { return Ok(Box::new(stdout())) };
    let opened = RotatingFile::open(path, arguments.audit_log_size.saturating_mul(MIB), arguments.audit_log_keep);
    Ok(Box::new(opened.map_err(|error| format!("--audit-log {}: {error}", file::show(path)))?))
}

fn entries(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
