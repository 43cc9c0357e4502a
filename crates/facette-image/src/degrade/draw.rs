//! Settings that are drawn anew for every picture: ranges and choices.

use rand::RngExt;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use crate::ImageError;
use facette_random::Stream;

/// A number, or a pair `[low, high]` between which a number is drawn evenly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Range {
    /// Smallest value.
    pub low: f64,
    /// Largest value; the same as `low` for a fixed number.
    pub high: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number or a pair [low, high]")]
enum Written {
    Number(f64),
    Pair([f64; 2]),
}

impl From<Written> for Range {
    fn from(written: Written) -> Self {
        match written {
            Written::Number(value) => Self::fixed(value),
            Written::Pair([low, high]) => Self { low, high },
        }
    }
}

impl From<Range> for Written {
    fn from(range: Range) -> Self {
        if range.is_fixed() { Self::Number(range.low) } else { Self::Pair([range.low, range.high]) }
    }
}

impl Range {
    /// Always `value`.
    pub const fn fixed(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// From `low` to `high`.
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Whether there is nothing to draw.
    pub fn is_fixed(&self) -> bool {
        self.low == self.high
    }

    /// A value of the range; takes nothing from the stream if the range is fixed.
    pub fn draw(&self, stream: &mut Stream) -> f64 {
        match self.is_fixed() {
            true => self.low,
            false => self.low + (self.high - self.low) * stream.random::<f64>(),
        }
    }

    /// A whole number of the range, each as probable as the other.
    pub fn draw_whole(&self, stream: &mut Stream) -> f64 {
        let span = self.high.floor() - self.low.ceil() + 1.0;
        let step = if span > 1.0 { (stream.random::<f64>() * span).floor() } else { 0.0 };
        self.low.ceil() + step
    }

    /// Refuses a range that is not ordered, not finite or not inside `least..=most`.
    pub(crate) fn check(&self, field: &str, least: f64, most: f64) -> Result<(), ImageError> {
        if self.low >= least && self.high <= most && self.low <= self.high {
            return Ok(());
        }
        let found = match self.is_fixed() {
            true => format!("{}", self.low),
            false => format!("[{}, {}]", self.low, self.high),
        };
        let expected = format!("expected a value or a rising pair within {least}..={most}");
        Err(ImageError::setting(field, format!("{expected}, found {found}")))
    }
}

/// One value, or a list of which one is drawn; listing a value twice makes it twice as probable.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Choice<T> {
    /// Always this one.
    One(T),
    /// One of these.
    Of(Vec<T>),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Choice<T> {
    /// By hand, because a derived untagged enum would not say which name is unknown.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value.is_array() {
            true => serde_json::from_value(value).map(Self::Of),
            false => serde_json::from_value(value).map(Self::One),
        }
        .map_err(D::Error::custom)
    }
}

impl<T: Copy> Choice<T> {
    /// All values.
    pub fn values(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Of(values) => values,
        }
    }

    /// Whether there is nothing to draw.
    pub fn is_fixed(&self) -> bool {
        self.values().len() == 1
    }

    /// One of the values; takes nothing from the stream if there is only one.
    ///
    /// # Panics
    /// If the list is empty, which the checks of the settings exclude.
    pub fn draw(&self, stream: &mut Stream) -> T {
        let values = self.values();
        let at = if values.len() == 1 { 0.0 } else { stream.random::<f64>() * values.len() as f64 };
        values[at as usize]
    }

    pub(crate) fn check(&self, field: &str) -> Result<(), ImageError> {
        match self.values().is_empty() {
            true => Err(ImageError::setting(field, "expected at least one value, found none")),
            false => Ok(()),
        }
    }
}

/// Whether something of this probability happens; draws nothing where it is 0 or 1.
pub(crate) fn happens(probability: f64, stream: &mut Stream) -> bool {
    probability >= 1.0 || probability > 0.0 && stream.random::<f64>() < probability
}

#[cfg(test)]
mod tests {
    use super::*;
    use facette_random::stream;

    #[test]
    fn draws_stay_inside_and_reach_both_ends() {
        let mut stream = stream(3, "test", 0);
        let range = Range::new(2.0, 5.0);
        let whole: Vec<f64> = (0..200).map(|_| range.draw_whole(&mut stream)).collect();
        assert!(whole.iter().all(|v| [2.0, 3.0, 4.0, 5.0].contains(v)));
        assert!(whole.contains(&2.0) && whole.contains(&5.0));
        assert!((0..200).all(|_| (2.0..5.0).contains(&range.draw(&mut stream))));
        let choice = Choice::Of(vec![1, 2, 3]);
        let drawn: Vec<i32> = (0..100).map(|_| choice.draw(&mut stream)).collect();
        assert!([1, 2, 3].iter().all(|v| drawn.contains(v)));
    }

    #[test]
    fn ranges_are_written_as_read() {
        for text in ["1.5", "[0.0,2.0]"] {
            let range: Range = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&range).unwrap(), text);
        }
        assert!(serde_json::from_str::<Range>("[1,2,3]").is_err());
        assert!(Range::new(2.0, 1.0).check("x", 0.0, 9.0).is_err());
        assert!(Range::new(f64::NAN, 1.0).check("x", 0.0, 9.0).is_err());
    }
}
