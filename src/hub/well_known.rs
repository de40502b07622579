//! DDPMs on the Hub that are worth a look, for lists.

/// A model that others know, with what a list says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WellKnown {
    /// `owner/name` on the Hub.
    pub name: &'static str,
    /// What it draws.
    pub draws: &'static str,
    /// The side of its pictures, in pixels.
    pub side: u32,
    /// Parameters, four bytes each.
    pub parameters: u64,
    /// The licence its repository names.
    pub licence: &'static str,
}

impl WellKnown {
    /// What fetching it takes, in megabytes (10⁶ bytes).
    pub fn megabytes(&self) -> u64 {
        (self.parameters * 4).div_ceil(1_000_000)
    }
}

const fn of_256_pixels(name: &'static str, draws: &'static str) -> WellKnown {
    WellKnown { name, draws, side: 256, parameters: 113_673_219, licence: "apache-2.0" }
}

/// The checkpoints of the DDPM paper (Ho, Jain, Abbeel 2020), converted for diffusers. "EMA" ones hold the running average of the weights,
/// whose pictures are the better ones; of CIFAR-10 there is only the other kind.
pub const WELL_KNOWN: [WellKnown; 9] = [
    WellKnown {
        name: "google/ddpm-cifar10-32",
        draws: "CIFAR-10: animals, cars, ships, planes",
        side: 32,
        parameters: 35_746_307,
        licence: "apache-2.0",
    },
    of_256_pixels("google/ddpm-celebahq-256", "faces (CelebA-HQ)"),
    of_256_pixels("google/ddpm-ema-celebahq-256", "faces (CelebA-HQ), EMA"),
    of_256_pixels("google/ddpm-church-256", "churches (LSUN)"),
    of_256_pixels("google/ddpm-ema-church-256", "churches (LSUN), EMA"),
    of_256_pixels("google/ddpm-bedroom-256", "bedrooms (LSUN)"),
    of_256_pixels("google/ddpm-ema-bedroom-256", "bedrooms (LSUN), EMA"),
    of_256_pixels("google/ddpm-cat-256", "cats (LSUN)"),
    of_256_pixels("google/ddpm-ema-cat-256", "cats (LSUN), EMA"),
];

#[cfg(test)]
mod tests {
    use super::WELL_KNOWN;
    use crate::hub::HubName;

    #[test]
    fn each_has_a_name_of_the_hub_and_its_size() {
        for known in WELL_KNOWN {
            assert!(HubName::parse(known.name).is_some_and(|name| !name.has_revision()), "{}", known.name);
        }
        assert_eq!((WELL_KNOWN[0].megabytes(), WELL_KNOWN[1].megabytes()), (143, 455));
    }
}
