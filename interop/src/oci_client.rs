//! Images that another client of registries pushes and pulls: `oci-client`, which the wider Rust world uses.

use crate::stage::{Cosign, Stage};
use crate::{Failed, Tally, expect, expect_accepted};
use ::oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use ::oci_client::manifest::{IMAGE_LAYER_MEDIA_TYPE, OciImageManifest};
use ::oci_client::secrets::RegistryAuth;
use ::oci_client::{Client, Reference};
use serde_json::json;

/// Everything; signed by either cosign.
pub fn check(stage: &Stage, tally: &mut Tally) {
    for (cosign, number) in [(Cosign::Two, 2), (Cosign::Three, 3)] {
        if stage.has(cosign) {
            tally.count(&format!("oci_client::what_it_pushes_is_accepted_signed_by_cosign_{number}"), pushed(stage, cosign));
            tally.count(&format!("oci_client::it_pulls_what_is_pinned_signed_by_cosign_{number}"), pulled(stage, cosign));
        }
    }
}

fn client() -> Client {
    // Once for the process; a second time it is there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::new(ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() })
}

fn reference(stage: &Stage, rest: &str) -> Result<Reference, Failed> {
    Ok(format!("{}/{rest}", stage.registry.host).parse()?)
}

/// Waits for one answer on a runtime of its own: the checks run one after the other.
fn wait<T>(answer: impl Future<Output = Result<T, ::oci_client::errors::OciDistributionError>>) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(answer)?)
}

fn repository(name: &str, cosign: Cosign) -> String {
    format!("oci-client-{name}-{}", if cosign == Cosign::Two { 2 } else { 3 })
}

/// It pushes, cosign signs, veriseal accepts and names the digest that it knows.
fn pushed(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("pushed", cosign);
    let image = reference(stage, &format!("{repository}:1.0"))?;
    let layers = [ImageLayer::new(b"pushed by oci-client".to_vec(), IMAGE_LAYER_MEDIA_TYPE.to_owned(), None)];
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [layers[0].sha256_digest()]}});
    let config = Config::oci_v1(config.to_string().into_bytes(), None);
    let manifest = OciImageManifest::build(&layers, &config, None);
    let client = client();
    wait(client.push(&image, &layers, config, &RegistryAuth::Anonymous, Some(manifest)))?;
    let digest = wait(client.fetch_manifest_digest(&image, &RegistryAuth::Anonymous))?;
    let unsigned = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect(&unsigned, 1, "NO_SIGNATURE")?;
    stage.sign(cosign, &repository, &digest)?;
    expect_accepted(stage, &stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?, &repository, &digest)
}

/// What veriseal pins is what it pulls by that name.
fn pulled(stage: &Stage, cosign: Cosign) -> Result<(), Failed> {
    let repository = repository("pulled", cosign);
    let digest = stage.push(&repository, "1.0", "pulled by oci-client")?;
    stage.sign(cosign, &repository, &digest)?;
    let said = stage.verify(&format!("{repository}:1.0"), &stage.trusting("cosign.pub"))?;
    expect_accepted(stage, &said, &repository, &digest)?;
    let pinned = said.report["subject"]["pinned"].as_str().unwrap_or_default().parse::<Reference>()?;
    let image = wait(client().pull(&pinned, &RegistryAuth::Anonymous, vec![IMAGE_LAYER_MEDIA_TYPE]))?;
    match (image.digest.as_deref(), image.layers.as_slice()) {
        (Some(found), [layer]) if found == digest && layer.data.as_ref() == b"pulled by oci-client" => Ok(()),
        (found, layers) => Err(Failed(format!("expected {digest} with one layer, found {found:?} with {}", layers.len()))),
    }
}
