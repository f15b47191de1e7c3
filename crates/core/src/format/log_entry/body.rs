//! A body as a whole: what says how to read the rest, and the rest read so.

use super::wire::{DsseSpec, HashedRekordSpec, IntotoV001Spec, IntotoV002Spec, RekordSpec, V002Spec};
use crate::code::{Code, Failure};
use crate::encoding::json;
use crate::format::wire::Text;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Deepest nesting of a body; intoto has 6 levels.
const MAX_DEPTH: usize = 8;

/// Kind and version of a body, and its specification.
pub(super) struct Body<'a> {
    pub(super) kind: Text<'a>,
    pub(super) version: Text<'a>,
    pub(super) spec: Spec<'a>,
}

/// A specification by kind and version.
pub(super) enum Spec<'a> {
    HashedRekordV001(HashedRekordSpec<'a>),
    HashedRekordV002(V002Spec<'a>),
    DsseV001(DsseSpec<'a>),
    IntotoV002(IntotoV002Spec<'a>),
    IntotoV001(IntotoV001Spec<'a>),
    RekordV001(RekordSpec<'a>),
    /// Of a kind that is not read.
    Unknown,
}

impl<'a> Body<'a> {
    /// Reads a body. Logs sort the keys (RFC 8785), so that the specification stands behind what says how to read it; one that
    /// stands before it is read in a second pass.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, Failure> {
        let read = |known: Option<(&str, &str)>| {
            json::parse_seed(body, MAX_DEPTH, BodySeed { known }).map_err(|error| error.failure(Code::LogEntryMalformed))
        };
        match read(None)? {
            (kind, version, Some(spec)) => Ok(Self { kind, version, spec }),
            (kind, version, None) => {
                let spec = read(Some((&kind.0, &version.0)))?.2.unwrap_or(Spec::Unknown);
                Ok(Self { kind, version, spec })
            }
        }
    }
}

/// Reads the three fields; the specification where kind and version are known when it comes.
struct BodySeed<'k> {
    known: Option<(&'k str, &'k str)>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    ApiVersion,
    Kind,
    Spec,
}

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = (Text<'de>, Text<'de>, Option<Spec<'de>>);
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = (Text<'de>, Text<'de>, Option<Spec<'de>>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log entry body")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kind, mut version, mut spec): (Option<Text<'de>>, Option<Text<'de>>, _) = (None, None, None);
        while let Some(field) = map.next_key()? {
            match field {
                Field::ApiVersion => version = Some(map.next_value()?),
                Field::Kind => kind = Some(map.next_value()?),
                Field::Spec => {
                    let here = kind.as_ref().zip(version.as_ref()).map(|(kind, version)| (&*kind.0, &*version.0));
                    spec = Some(match self.known.or(here) {
                        Some((kind, version)) => Some(map.next_value_seed(SpecSeed { kind, version })?),
                        None => map.next_value::<IgnoredAny>().map(|_| None)?,
                    });
                }
            }
        }
        let kind = kind.ok_or_else(|| A::Error::missing_field("kind"))?;
        let version = version.ok_or_else(|| A::Error::missing_field("apiVersion"))?;
        Ok((kind, version, spec.ok_or_else(|| A::Error::missing_field("spec"))?))
    }
}

struct SpecSeed<'k> {
    kind: &'k str,
    version: &'k str,
}

impl<'de> DeserializeSeed<'de> for SpecSeed<'_> {
    type Value = Spec<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Spec<'de>, D::Error> {
        Ok(match (self.kind, self.version) {
            ("hashedrekord", "0.0.1") => Spec::HashedRekordV001(Deserialize::deserialize(deserializer)?),
            ("hashedrekord", "0.0.2") => Spec::HashedRekordV002(Deserialize::deserialize(deserializer)?),
            ("dsse", "0.0.1") => Spec::DsseV001(Deserialize::deserialize(deserializer)?),
            ("intoto", "0.0.2") => Spec::IntotoV002(Deserialize::deserialize(deserializer)?),
            ("intoto", "0.0.1") => Spec::IntotoV001(Deserialize::deserialize(deserializer)?),
            ("rekord", "0.0.1") => Spec::RekordV001(Deserialize::deserialize(deserializer)?),
            _ => IgnoredAny::deserialize(deserializer).map(|_| Spec::Unknown)?,
        })
    }
}
