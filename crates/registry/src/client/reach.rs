//! [`Reach`]: which addresses a registry may send us to.
//!
//! A registry answers with redirects and token services of its choice; without a bound, whoever controls the registry
//! lets the verifier ask its own network (K-OC-11, INV-14). The class of the registry's own address says how far its
//! redirects may lead: a public registry to public addresses only. Link-local and cloud metadata addresses are never a
//! target. Held where the connection is made, on the addresses it is made to, so that a name that resolves
//! differently the second time gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far redirects may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Public addresses only.
    Public,
    /// Private networks too (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// This machine too.
    Loopback,
}

impl Reach {
    /// Every reach, in the order of [`Reach::place`].
    pub(crate) const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Loopback];

    /// How far a registry at this address may lead.
    pub(crate) fn of_registry(address: IpAddr) -> Self {
        match class(address) {
            Class::Public | Class::Special => Self::Public,
            Class::Private => Self::Private,
            Class::Loopback => Self::Loopback,
        }
    }

    /// Whether a redirect may lead to this address.
    pub(crate) fn permits(self, address: IpAddr) -> bool {
        match class(address) {
            Class::Public => true,
            Class::Private => self >= Self::Private,
            Class::Loopback => self >= Self::Loopback,
            Class::Special => false,
        }
    }

    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Public => 0,
            Self::Private => 1,
            Self::Loopback => 2,
        }
    }
}

/// An address that a redirect may not lead to; travels through the HTTP client's error chain.
#[derive(Debug)]
pub(crate) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name leads to an address inside a private network")
    }
}

impl std::error::Error for AddressRefused {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Public,
    Private,
    Loopback,
    /// Link-local, metadata services, multicast, unspecified, reserved: nobody's registry storage.
    Special,
}

fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        // Metadata and platform services outside 169.254.0.0/16 (Alibaba Cloud, Azure).
        [100, 100, 100, 200] | [168, 63, 129, 16] => Class::Special,
        [127, ..] => Class::Loopback,
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Class::Special,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18..=19, ..] => {
            Class::Private
        }
        _ => Class::Public,
    }
}

fn class_v6(address: Ipv6Addr) -> Class {
    // An IPv4 address in IPv6 clothing is the IPv4 address.
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        class_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Loopback,
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Special,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            inner(high, low)
        }
        // The metadata service of AWS.
        [0xfd00, 0x0ec2, ..] => Class::Special,
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Class::Private,
        [0xfe80..=0xfebf, ..] | [0xff00..=0xffff, ..] => Class::Special,
        _ => Class::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// K-OC-11.
    #[test]
    fn a_public_registry_leads_to_public_addresses_only() {
        let reach = Reach::of_registry(address("140.82.121.34"));
        assert_eq!(reach, Reach::Public);
        for text in ["1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "172.32.0.1", "100.128.0.1"] {
            assert!(reach.permits(address(text)), "{text}");
        }
        for text in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "fd12::1",
            "fe80::1",
            "169.254.169.254",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!reach.permits(address(text)), "{text}");
        }
    }

    #[test]
    fn a_private_registry_leads_to_its_network_but_not_to_this_machine() {
        let reach = Reach::of_registry(address("10.0.0.5"));
        assert!(reach.permits(address("192.168.1.1")));
        assert!(reach.permits(address("fd12::1")));
        assert!(!reach.permits(address("127.0.0.1")));
        assert!(!reach.permits(address("169.254.169.254")));
        assert!(Reach::of_registry(address("127.0.0.1")).permits(address("::1")));
    }

    #[test]
    fn metadata_services_are_never_a_target() {
        for registry in ["127.0.0.1", "10.0.0.5", "169.254.169.254", "8.8.8.8"] {
            for text in ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"] {
                assert!(!Reach::of_registry(address(registry)).permits(address(text)), "{registry} {text}");
            }
        }
    }
}
