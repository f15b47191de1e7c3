// @sigstore/verify, asked by `compare`: verifies every bundle of a folder in this process, offline.
//
//   sigstore_verify.mjs MODULES                 prints {"version": ...}, or fails where the packages are missing
//   sigstore_verify.mjs MODULES FOLDER ROUNDS   prints {"version", "accepted", "refused": [{"sample", "why"}], "microseconds": [[...], ...]}
//
// MODULES is a folder node_modules that holds @sigstore/verify, @sigstore/bundle and @sigstore/protobuf-specs. FOLDER holds what
// src/outside.rs writes: trusted_root.json, manifest.json and the bundles and artifacts that it names.

import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [modules, folder, rounds] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), 'none.js'));
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
// Its own file says which it is; the package exports no version.
const version = JSON.parse(readFileSync(join(modules, '@sigstore/verify/package.json'), 'utf8')).version;

// One call: the bundle is parsed in it, as everybody's is.
function verify(verifier, policy, text, artifact) {
  const bundle = bundleFromJSON(JSON.parse(text));
  verifier.verify(toSignedEntity(bundle, artifact), policy);
  if (bundle.content.$case !== 'dsseEnvelope') return;
  // It leaves to its caller whether the statement is about the artifact.
  const digest = createHash('sha256').update(artifact).digest('hex');
  const { subject } = JSON.parse(bundle.content.dsseEnvelope.payload);
  if (!subject.some((one) => one.digest.sha256 === digest)) throw new Error('the statement is about something else');
}

function measure() {
  const read = (name) => readFileSync(join(folder, name));
  const manifest = JSON.parse(read('manifest.json'));
  const samples = manifest.samples.map((one) => [read(one.bundle).toString(), read(one.artifact)]);
  // One key, under whatever name the bundle gives to it.
  const publicKey = manifest.key && createPublicKey(manifest.key);
  const keys = publicKey ? () => ({ publicKey, validFor: () => true }) : undefined;
  const root = TrustedRoot.fromJSON(JSON.parse(read('trusted_root.json')));
  const verifier = new Verifier(toTrustMaterial(root, keys));
  // It takes identities as patterns.
  const exactly = (text) => '^' + text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '$';
  const policy = manifest.identity && {
    subjectAlternativeName: exactly(manifest.identity),
    extensions: { issuer: manifest.issuer },
  };

  // Warms up, and shows who is refused.
  const refused = [];
  samples.forEach(([bundle, artifact], sample) => {
    try {
      verify(verifier, policy, bundle, artifact);
    } catch (error) {
      refused.push({ sample, why: `${error.code ?? error.name}: ${error.message}` });
    }
  });
  const microseconds = samples.map(() => []);
  for (let round = 0; refused.length === 0 && round < Number(rounds); round++) {
    samples.forEach(([bundle, artifact], sample) => {
      const begun = process.hrtime.bigint();
      verify(verifier, policy, bundle, artifact);
      microseconds[sample].push(Number(process.hrtime.bigint() - begun) / 1000);
    });
  }
  return { version, accepted: samples.length - refused.length, refused: refused.slice(0, 3), microseconds };
}

console.log(JSON.stringify(folder === undefined ? { version } : measure()));
