//! Signed notes, checkpoints and witness cosignatures (C2SP `signed-note.md`, `tlog-checkpoint.md`, `tlog-cosignature.md`).

use crate::key::{KeyKind, SigningKey};
use crate::random::Seed;
use veriseal::digest::sha256_parts;
use veriseal::encoding::base64;
use veriseal::time::UnixTime;

/// A checkpoint before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// First line.
    pub origin: String,
    /// Second line.
    pub size: u64,
    /// Third line, before base64.
    pub root: Vec<u8>,
    /// Further lines.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The text that is signed, ending in a newline.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n{}\n{}\n", self.origin, self.size, base64::encode(&self.root));
        for line in &self.extensions {
            out.push_str(line);
            out.push('\n');
        }
        out
    }
}

/// A note: text and signature lines, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The signed text, ending in a newline.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Key name.
    pub name: String,
    /// Four bytes of key id, and the signature.
    pub blob: Vec<u8>,
}

impl Note {
    /// A note without signatures.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self { text, signatures: Vec::new() }
    }

    /// Adds the log's signature: `key` under `name`, with the key id of that kind of key.
    #[must_use]
    pub fn signed_by(mut self, name: &str, key: &SigningKey) -> Self {
        let mut blob = key_id(name, key)[..4].to_vec();
        blob.extend(key.sign(self.text.as_bytes()));
        self.signatures.push(NoteSignature { name: name.to_owned(), blob });
        self
    }

    /// Adds a witness's cosignature/v1.
    #[must_use]
    pub fn cosigned_by(mut self, witness: &Witness, at: UnixTime) -> Self {
        self.signatures.push(witness.cosign(&self.text, at));
        self
    }

    /// The whole note.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for signature in &self.signatures {
            out.push_str(&format!("\u{2014} {} {}\n", signature.name, base64::encode(&signature.blob)));
        }
        out
    }
}

/// The full hash whose first four bytes are the note key id. Ed25519 binds the name; ECDSA and RSA as Rekor has them.
#[must_use]
pub fn key_id(name: &str, key: &SigningKey) -> [u8; 32] {
    match key.kind() {
        KeyKind::Ed25519 => sha256_parts(&[name.as_bytes(), b"\n\x01", &key.public_bytes()]),
        KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => key.id(),
        KeyKind::Rsa1024 | KeyKind::Rsa2048 | KeyKind::Rsa4096 => {
            sha256_parts(&[name.as_bytes(), b"\n\xffPKIX-RSA-PKCS#1v1.5", &key.spki()])
        }
    }
}

/// The verifier key line of an Ed25519 note key, `name+hash+key`.
#[must_use]
pub fn verifier_key(name: &str, key: &SigningKey) -> String {
    verifier_key_of_type(name, key, 1, &key_id(name, key))
}

fn verifier_key_of_type(name: &str, key: &SigningKey, kind: u8, id: &[u8; 32]) -> String {
    let body = [&[kind], key.public_bytes().as_slice()].concat();
    format!("{name}+{}+{}", veriseal::encoding::hex::encode(&id[..4]), base64::encode(&body))
}

/// A witness: an Ed25519 key under a name that cosigns checkpoints it has seen to be consistent.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Key name.
    pub name: String,
    /// The key.
    pub key: SigningKey,
}

impl Witness {
    /// A witness of that name.
    #[must_use]
    pub fn new(name: &str, seed: &Seed) -> Self {
        Self { name: name.to_owned(), key: SigningKey::new(KeyKind::Ed25519, &seed.named(name)) }
    }

    /// The note key id of cosignature/v1 in full: type byte 4.
    #[must_use]
    pub fn key_id(&self) -> [u8; 32] {
        sha256_parts(&[self.name.as_bytes(), b"\n\x04", &self.key.public_bytes()])
    }

    /// `name+hash+key` with type byte 4.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        verifier_key_of_type(&self.name, &self.key, 4, &self.key_id())
    }

    /// The signature line over a checkpoint's text at a moment.
    #[must_use]
    pub fn cosign(&self, text: &str, at: UnixTime) -> NoteSignature {
        let message = format!("cosignature/v1\ntime {}\n{text}", at.seconds());
        let mut blob = self.key_id()[..4].to_vec();
        blob.extend((at.seconds() as u64).to_be_bytes());
        blob.extend(self.key.sign(message.as_bytes()));
        NoteSignature { name: self.name.clone(), blob }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::Tree;
    use veriseal::encoding::hex::encode as hex;

    fn key(from: u8) -> SigningKey {
        let secret: Vec<u8> = (from..from + 32).collect();
        SigningKey::ed25519_from_secret(secret.try_into().unwrap())
    }

    /// Spec vectors: tree, proof, checkpoint and cosignature, byte for byte.
    #[test]
    fn the_checkpoint_of_the_vectors_is_reproduced() {
        let body = br#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"1GnoXrydgVhm4uxqPCrACP55LqiOqOcvUyiFgdrnrQM="},"signature":{"content":"U0lH","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"S0VZ"}}}}}}"#;
        let mut tree = Tree::default();
        tree.append(b"a");
        assert_eq!(tree.append(body), 1);
        tree.append(b"c");
        assert_eq!(hex(&tree.leaves[1]), "27e1f8545405216bd43a3f754c8cc2d4718ae4950242ae2ec479444f67756714");
        let proof: Vec<String> = tree.inclusion(1, 3).iter().map(|hash| base64::encode(hash)).collect();
        assert_eq!(proof, ["Aippeebat6pa5MPl5F9+l3ESp+Y1k4INvsHsc4ok+Tw=", "WX/LMSgtNGVMIA00GPylcFxkjr8ybsc9jd7xGEH4dtg="]);
        let log = key(0);
        let checkpoint =
            Checkpoint { origin: "log.example".to_owned(), size: 3, root: tree.root().to_vec(), extensions: Vec::new() };
        let witness = Witness { name: "witness.example".to_owned(), key: key(32) };
        let note = Note::new(checkpoint.text())
            .signed_by("log.example", &log)
            .cosigned_by(&witness, UnixTime::from_seconds(1_700_000_000));
        assert_eq!(
            note.encode(),
            "log.example\n3\nYIYwP6cKR8i3AredS0S8OKtF2kvH/8Dva/vvPEtyn70=\n\n\
             — log.example slLQz6M/vM8Nk1wMaAi6GhPCxqG7jREnB28u3K82/IU7lfpf6k0GofzbZhAKn1mhnBKhC32gXO+EImAqUW9LiGpqvQc=\n\
             — witness.example eQqKDQAAAABlU/EAnuS2Ul5/QgZzdQu9aXMpANnXzEJ3f1sIWVl31Vkdx+sxPCvHebAYLQtkTO9KsfBnks/Cy1zp7vzhGkscJOMPBw==\n"
        );
        assert_eq!(verifier_key("log.example", &log), "log.example+b252d0cf+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
        assert_eq!(witness.verifier_key(), "witness.example+790a8a0d+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X");
    }
}
