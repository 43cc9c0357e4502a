//! Named random streams: every source of randomness in a run is a function of one seed and a name.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A reproducible random stream. The same on every platform and in every release that keeps
/// `rand_chacha`'s stream stable.
pub type Stream = ChaCha8Rng;

/// The stream called `name`, number `index`, of the run seeded with `seed`.
///
/// Streams are independent of each other and of the order in which they are asked for, so that a
/// loader may prepare picture 7 before picture 3 and still draw the same jitter for both. `index`
/// is whatever counts the uses of a name: an epoch, a picture, a step.
///
/// ```
/// use facette_random::stream;
/// use rand::Rng;
/// let a = stream(1, "loader/shuffle", 0).next_u64();
/// assert_eq!(a, stream(1, "loader/shuffle", 0).next_u64());
/// assert_ne!(a, stream(1, "loader/shuffle", 1).next_u64());
/// ```
pub fn stream(seed: u64, name: &str, index: u64) -> Stream {
    let mut hasher = blake3::Hasher::new_derive_key("facette random stream v1");
    hasher.update(&seed.to_le_bytes());
    hasher.update(&index.to_le_bytes());
    hasher.update(name.as_bytes());
    Stream::from_seed(*hasher.finalize().as_bytes())
}
