//! The images of the demo, and the registry that holds them. Everything follows from a fixed seed.

use veriseal::{Code, Digest, UnixTime};
use veriseal_testkit::http::Fault;
use veriseal_testkit::{Bundle, HttpRegistry, Identity, Image, ImageBuilder, Signer, Sigstore, Store, sign_simple};

/// Name of the trusted key in what is printed.
pub(super) const KEY: &str = "release.pub";
const TAG: &str = "1.0";

/// Whom the policy of a case names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trusted {
    Key,
    Identity,
}

/// One image, how it is asked for, and what should come out.
pub(super) struct Case {
    /// Its repository; the tag is the same for all.
    pub(super) image: &'static str,
    /// A digest that is asked for besides the tag.
    pub(super) digest: Option<Digest>,
    pub(super) trusted: Trusted,
    pub(super) story: &'static str,
    pub(super) expected: Code,
}

impl Case {
    /// The reference without the registry, the digest cut short.
    pub(super) fn shown(&self) -> String {
        let digest = self.digest.map(|digest| format!("@sha256:{:.6}…", digest.hex())).unwrap_or_default();
        format!("{}:{TAG}{digest}", self.image)
    }
}

/// The registry with everything in it.
pub(super) struct Images {
    registry: HttpRegistry,
    pub(super) cases: Vec<Case>,
    pub(super) trusted_root: Vec<u8>,
    pub(super) key_pem: String,
    pub(super) identity: String,
    pub(super) issuer: String,
    pub(super) now: UnixTime,
}

impl Images {
    pub(super) fn build() -> Self {
        let identity = Identity::github("acme/shop", "release.yml", "refs/heads/main");
        let sigstore = Sigstore::new(1);
        let mut making = Making {
            registry: HttpRegistry::serve_repositories([].into()),
            release: Signer::key(sigstore.key("release")),
            workflow: sigstore.keyless(&identity),
            stranger: sigstore.keyless(&Identity::github("mallory/shop", "release.yml", "refs/heads/main")),
            cases: Vec::new(),
            sigstore,
        };
        making.good();
        making.bad();
        making.moved();
        making.unanswered();
        Self {
            registry: making.registry,
            cases: making.cases,
            trusted_root: making.sigstore.trusted_root().to_bytes(),
            key_pem: making.sigstore.key("release").public_pem(),
            identity: identity.subject_text(),
            issuer: identity.issuer,
            // A day later: the certificates have expired, as they always have when images are deployed.
            now: making.sigstore.now.saturating_add_seconds(86_400),
        }
    }

    pub(super) fn host(&self) -> String {
        self.registry.host()
    }

    pub(super) fn reference(&self, case: &Case) -> String {
        let digest = case.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
        self.registry.reference(&format!("{}:{TAG}{digest}", case.image))
    }
}

struct Making {
    registry: HttpRegistry,
    sigstore: Sigstore,
    release: Signer,
    workflow: Signer,
    stranger: Signer,
    cases: Vec<Case>,
}

impl Making {
    fn case(&mut self, image: &'static str, trusted: Trusted, story: &'static str, expected: Code) {
        self.cases.push(Case { image, digest: None, trusted, story, expected });
    }

    /// A signature with the key as cosign 2 stores it, for `signed`, put beside `image`.
    fn sign_with_key(&mut self, store: &mut Store, name: &str, signed: &Image, image: &Image) {
        let signature = sign_simple(&signed.digest, &self.registry.reference(name), &[], &self.release);
        let signature = signature.logged(&mut self.sigstore.rekor, self.sigstore.now);
        store.attach_signature(&image.digest, &signature);
    }

    /// A bundle as cosign 3 stores it.
    fn sign_with_bundle(&mut self, store: &mut Store, image: &Image, signer: &Signer) {
        let bundle = Bundle::image(&image.digest, signer).logged_v1(&mut self.sigstore.rekor, self.sigstore.now);
        store.attach_bundle(image, &bundle);
    }

    fn good(&mut self) {
        let mut store = Store::new();
        let image = ImageBuilder::new("api").tagged(&mut store, TAG);
        self.sign_with_key(&mut store, "shop/api", &image, &image);
        self.registry.push("shop/api", store);
        self.case("shop/api", Trusted::Key, "signed with the key, as cosign 2 does it", Code::Accepted);
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::multi_arch("web", &["amd64", "arm64"]).tagged(&mut store, TAG);
        self.sign_with_bundle(&mut store, &image, &self.workflow.clone());
        self.registry.push("shop/web", store);
        self.case("shop/web", Trusted::Identity, "signed by the workflow, as cosign 3 does it", Code::Accepted);
    }

    fn bad(&mut self) {
        let mut store = Store::new();
        ImageBuilder::new("cron").tagged(&mut store, TAG);
        self.registry.push("shop/cron", store);
        self.case("shop/cron", Trusted::Key, "never signed", Code::NoSignature);
        let mut store = Store::new();
        let built = ImageBuilder::new("login").build(&mut store);
        let altered = ImageBuilder::new("login, with a back door").tagged(&mut store, TAG);
        self.sign_with_key(&mut store, "shop/login", &built, &altered);
        self.registry.push("shop/login", store);
        self.case("shop/login", Trusted::Key, "altered after signing, the signature copied over", Code::SignedOtherDigest);
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("mail").tagged(&mut store, TAG);
        self.sign_with_bundle(&mut store, &image, &self.stranger.clone());
        self.registry.push("shop/mail", store);
        self.case("shop/mail", Trusted::Identity, "signed by a workflow of somebody else", Code::NoMatchingSignature);
    }

    /// The tag was moved to an image that nobody signed. By tag that image is meant; with the digest the signed one.
    fn moved(&mut self) {
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("stock").tagged(&mut store, TAG);
        self.sign_with_bundle(&mut store, &image, &self.workflow.clone());
        ImageBuilder::new("stock, from elsewhere").tagged(&mut store, TAG);
        self.registry.push("shop/stock", store);
        self.case("shop/stock", Trusted::Identity, "signed, then its tag moved to an unsigned image", Code::NoSignature);
        let story = "the same, asked for by the digest that was signed";
        let digest = Some(image.digest);
        self.cases.push(Case { image: "shop/stock", digest, trusted: Trusted::Identity, story, expected: Code::Accepted });
    }

    fn unanswered(&mut self) {
        let mut store = Store::with_referrers_api();
        let image = ImageBuilder::new("cart").tagged(&mut store, TAG);
        self.sign_with_bundle(&mut store, &image, &self.workflow.clone());
        self.registry.push("shop/cart", store);
        self.registry.fault(Fault::status("/v2/shop/cart/referrers/", 403));
        let story = "signed, but the registry does not show the signatures";
        self.case("shop/cart", Trusted::Identity, story, Code::Denied);
    }
}
