//! Blobs: one bundle, one artifact, the same ladder.

use super::examined::About;
use super::judge::{Examination, Extra, verdict};
use super::outcome::{AcceptedBlob, NotAccepted};
use super::verifier::Verifier;
use crate::check::Artifact;
use crate::code::{Code, Failure};
use crate::format::bundle;
use crate::policy::Basis;
use crate::report::{EvidenceReport, Headline, SubjectAccount, Verdict};
use crate::time::UnixTime;

/// There is nothing but the blob.
const SCOPE: [About; 1] = [About::Image];

impl Verifier {
    /// Verifies a blob with its Sigstore bundle.
    ///
    /// The artifact is known by its bytes or by digests ([`crate::ArtifactHasher`] takes them over a stream in constant
    /// memory). The code of the report is that of the first rung that does not hold.
    ///
    /// # Errors
    /// [`NotAccepted`] with the account of every check.
    pub fn verify_blob(&self, artifact: &Artifact<'_>, bundle: &[u8], now: UnixTime) -> Result<AcceptedBlob, NotAccepted> {
        let place = self.remembering().and_then(|remembering| remembering.blob(self, artifact, bundle));
        if let Some(accepted) = place.as_ref().and_then(|place| place.blob(now)) {
            return Ok(accepted);
        }
        let mut examination = Examination::new(self, now);
        let parsed = bundle::parse(bundle, &self.limits, examination.allows_chain());
        examination.examine(About::Image, "bundle", None, parsed, artifact);
        // One bundle says nothing about others.
        examination.unseen(|| Failure::new(Code::AbsenceNotProved).found("one bundle, not all attestations"));
        let decision = examination.decide(&SCOPE);
        let name = artifact.name().copied();
        let failure = match name {
            Some(_) if decision.accepted() => Failure::new(Code::Accepted),
            // There is one candidate: its reason is the answer, unless something could not be found out or more than one
            // signature was asked for.
            Some(_) => examination
                .unknown(&decision, &SCOPE)
                .or_else(|| examination.single_reason())
                .unwrap_or_else(|| examination.why_not(&decision, &SCOPE)),
            None => Failure::new(Code::Internal).found("an artifact without a digest"),
        };
        let headline = Headline { verdict: verdict(&failure), failure };
        let verdict = headline.verdict;
        let subject = SubjectAccount::Blob(name);
        let evidence = EvidenceReport { origin: "given", complete: true };
        let signatures = examination.signatures(&[(&SCOPE, &decision)]);
        let horizon = if decision.accepted() { examination.horizon(|later| later.decide(&SCOPE).accepted()) } else { None };
        let extra = Extra { basis: decision.accepted().then_some(Basis::Requirement), horizon, ..Extra::default() };
        let (report, present) = examination.report(headline, decision, subject, Some(evidence), extra);
        match (verdict, name) {
            (Verdict::Accepted, Some(digest)) => {
                let accepted = AcceptedBlob::assertion(digest, signatures, report);
                place.iter().for_each(|place| place.keep_blob(&accepted, &present));
                Ok(accepted)
            }
            (Verdict::Undecided, _) => Err(NotAccepted::Undecided(report)),
            _ => Err(NotAccepted::Rejected(report)),
        }
    }
}
