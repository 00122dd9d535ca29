//! How many queries it takes until silence is no chance.

/// By chance alone a server that answers its share is not heard in so many queries once in 10^12 times.
const CHANCE: f64 = 1e-12;

/// In how many queries a server that gets this share of them is heard for sure.
pub(in crate::check) fn sample(share: f64) -> u64 {
    if share >= 1.0 {
        return 1;
    }
    ((CHANCE.ln() / (1.0 - share.max(1e-6)).ln()).ceil() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_grows_with_the_number_of_servers() {
        let of = |servers: u32| sample(1.0 / f64::from(servers));
        assert_eq!([1, 2, 4, 10, 20, 100].map(of), [1, 40, 97, 263, 539, 2750]);
        // Two routers, one with one server and one with three: each of these gets a sixth.
        assert_eq!(sample(1.0 / 6.0), 152);
    }
}
