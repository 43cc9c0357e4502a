//! Students with odd numbers in their graphs and cards, on faces of odd sizes: what loads runs, and in
//! int8 every level yields the same bytes.
#![no_main]

use arbitrary::Arbitrary;
use facette_fuzz::{is_small, students};
use facette_runtime::{Face, Level, Recognizer};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Case {
    student: u8,
    /// Which number of the header, and what it becomes.
    changes: Vec<(u16, Number)>,
    width: u8,
    height: u8,
}

#[derive(Debug, Arbitrary)]
enum Number {
    Small(u8),
    Any(u64),
    /// A power of two and its neighbours.
    Power(u8, i8),
    Fraction(f32),
}

impl Number {
    fn text(&self) -> String {
        match *self {
            Self::Small(n) => (n % 24).to_string(),
            Self::Any(n) => n.to_string(),
            Self::Power(n, by) => (1_u64 << (n % 64)).wrapping_add_signed(by.into()).to_string(),
            Self::Fraction(x) if x.is_finite() => format!("{x:e}"),
            Self::Fraction(_) => "null".to_owned(),
        }
    }
}

/// The file with runs of digits in its header replaced.
fn changed(file: &[u8], changes: &[(u16, Number)]) -> Option<Vec<u8>> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut parts: Vec<String> = Vec::new();
    for &byte in header {
        match parts.last_mut() {
            Some(part) if part.ends_with(|c: char| c.is_ascii_digit()) == byte.is_ascii_digit() => {
                part.push(byte.into());
            }
            _ => parts.push(char::from(byte).to_string()),
        }
    }
    // Text and numbers take turns, and text comes first.
    let numbers = parts.len() / 2;
    for (place, number) in changes {
        parts[2 * (usize::from(*place) % numbers) + 1] = number.text();
    }
    let header = parts.concat();
    Some([&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat())
}

fuzz_target!(|case: Case| {
    let files = students();
    let file = &files[usize::from(case.student) % files.len()];
    let Some(bytes) = changed(file, &case.changes) else { return };
    let Ok(recognizer) = Recognizer::from_bytes(&bytes) else { return };
    if !is_small(&recognizer) {
        return;
    }
    let (width, height) = (usize::from(case.width).max(1), usize::from(case.height).max(1));
    let rgb: Vec<u8> = (0..3 * width * height).map(|i| (i * 31 % 251) as u8).collect();
    let face = Face::new(&rgb, width, height).expect("a byte for every value");
    let mut scratch = recognizer.scratch(1);
    let fast = recognizer.embed(&mut scratch, face).expect("its own scratch").to_vec();
    let whole = recognizer.card().quantisation.is_some();
    let recognizer = recognizer.at(Level::Scalar);
    let plain = recognizer.embed(&mut scratch, face).expect("its own scratch");
    let same = |a: &f32, b: &f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    assert!(!whole || fast.iter().zip(plain).all(|(a, b)| same(a, b)), "{fast:?} {plain:?}");
});
