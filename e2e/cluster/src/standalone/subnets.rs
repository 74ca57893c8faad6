//! The addresses of a cluster: a /16 of its own, cut into pods, the link to the host, and services. Pure.

use std::net::Ipv4Addr;

use ipnetwork::Ipv4Network;

/// 10.180.0.0/16 and the fifteen after it: none is a default of kubeadm, k3s, flannel, kind or Docker.
const FIRST: u8 = 180;
pub(crate) const COUNT: u8 = 16;

/// One of the sixteen /16 networks, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnets {
    number: u8,
}

impl Subnets {
    /// `number` counts from 0 and is below [`COUNT`].
    pub(crate) fn numbered(number: u8) -> Self {
        Self { number: number % COUNT }
    }

    pub(crate) fn whole(self) -> Ipv4Network {
        self.network(0, 0, 16)
    }

    pub(crate) fn pods(self) -> Ipv4Network {
        self.network(0, 0, 18)
    }

    pub(crate) fn services(self) -> Ipv4Network {
        self.network(128, 0, 17)
    }

    /// The host's end of the link.
    pub(crate) fn host(self) -> Ipv4Network {
        self.network(64, 1, 24)
    }

    /// The node's end of the link; the API server answers there.
    pub(crate) fn node(self) -> Ipv4Network {
        self.network(64, 2, 24)
    }

    /// The cluster IP of `kubernetes.default`: the first of the services, as the API server takes it.
    pub(crate) fn api_service(self) -> Ipv4Addr {
        self.network(128, 1, 17).ip()
    }

    pub(crate) fn dns_service(self) -> Ipv4Addr {
        self.network(128, 10, 17).ip()
    }

    fn network(self, third: u8, fourth: u8, prefix: u8) -> Ipv4Network {
        let address = Ipv4Addr::new(10, FIRST + self.number, third, fourth);
        Ipv4Network::new_checked(address, prefix).unwrap_or(Ipv4Network::from(address))
    }
}

/// The first number that no route of the host overlaps and no other cluster has.
pub(crate) fn first_free(routes: &[Ipv4Network], taken: &[u8]) -> Option<u8> {
    (0..COUNT).find(|number| {
        let whole = Subnets::numbered(*number).whole();
        !taken.contains(number)
            && !routes.iter().any(|route| route.prefix() > 0 && route.overlaps(whole))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_cluster_lie_in_its_network_and_apart() {
        let subnets = Subnets::numbered(1);
        assert_eq!(subnets.whole().to_string(), "10.181.0.0/16");
        let parts = [subnets.pods(), subnets.host(), subnets.services()];
        for (index, part) in parts.iter().enumerate() {
            assert!(part.is_subnet_of(subnets.whole()), "{part}");
            assert!(parts[..index].iter().all(|other| !other.overlaps(*part)), "{part}");
        }
        assert!(subnets.services().contains(subnets.dns_service()));
        assert!(subnets.host().contains(subnets.node().ip()));
    }

    #[test]
    fn a_network_that_the_host_routes_or_another_cluster_has_is_not_taken() {
        let route = |text: &str| text.parse::<Ipv4Network>().unwrap();
        assert_eq!(first_free(&[route("0.0.0.0/0"), route("192.168.0.0/16")], &[]), Some(0));
        assert_eq!(first_free(&[route("10.180.3.0/24")], &[1]), Some(2));
        assert_eq!(first_free(&[route("10.0.0.0/8")], &[]), None);
    }
}
