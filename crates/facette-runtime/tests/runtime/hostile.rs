//! Bad files are refused by name; whatever loads can be run.

use std::sync::OnceLock;

use facette_graph::{Builder, Conv, Input, Norm};
use facette_runtime::{Face, QuantiseOptions, Recognizer, quantise};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{everything, student};

fn refusal(bytes: &[u8]) -> String {
    Recognizer::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn the_reason_is_named() {
    let file = student(everything(), Norm::L2, 1);
    let bytes = file.to_bytes().unwrap();
    assert!(refusal(&[]).contains("0 bytes"));
    assert!(refusal(&bytes[..bytes.len() - 1]).contains("tensors take up"));
    let error = Recognizer::load("no/such/file").unwrap_err().to_string();
    assert!(error.contains("no/such/file"), "{error}");
    let (mut card, arrays) = file.into_parts();
    card.input.resize = "magic".into();
    let file = facette_graph::StudentFile::new(card, arrays).unwrap();
    let error = refusal(&file.to_bytes().unwrap());
    assert!(error.contains("input.resize") && error.contains("magic") && error.contains("area"));
}

#[test]
fn maps_beyond_reason_are_refused() {
    let mut b = Builder::new("huge", Input::colour(4096));
    let x = b.conv("wide", 0, Conv::square(3, 64, 1, 1));
    let pooled = b.global_average(x);
    let graph = b.finish(pooled, None).unwrap();
    let bytes = student(graph, Norm::L2, 1).to_bytes().unwrap();
    assert!(refusal(&bytes).contains("bytes of working memory"), "{}", refusal(&bytes));
    let mut b = Builder::new("border", Input::colour(8));
    let wide = Conv { padding: [12_000; 2], stride: [12_000; 2], ..Conv::square(3, 8, 3, 1) };
    let x = b.conv("conv", 0, wide);
    let pooled = b.global_average(x);
    let graph = b.finish(pooled, None).unwrap();
    let bytes = student(graph, Norm::L2, 1).to_bytes().unwrap();
    let refused = refusal(&bytes);
    assert!(refused.contains("\"conv\"") && refused.contains("working memory"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_do_no_harm(
        int8 in any::<bool>(),
        damages in proptest::collection::vec(damage(), 1..6),
        repaired in any::<bool>(),
    ) {
        let mut bytes = whole(int8).to_vec();
        let length = header(&bytes).len();
        for damage in damages {
            damage.apply(&mut bytes);
        }
        if repaired && bytes.len() >= 8 {
            // The header is as long as it says, so that what is in it gets read.
            let grown = (bytes.len() + length).saturating_sub(whole(int8).len()).min(bytes.len() - 8);
            bytes[..8].copy_from_slice(&(grown as u64).to_le_bytes());
        }
        use_if_it_loads(&bytes);
    }

    #[test]
    fn changed_numbers_in_the_card_do_no_harm(
        int8 in any::<bool>(),
        place in any::<Index>(),
        number in prop_oneof![
            (0_u64..40).prop_map(|n| n.to_string()),
            any::<u64>().prop_map(|n| n.to_string()),
            any::<f32>().prop_map(|n| n.to_string()),
            Just("16384".to_owned()),
            Just("16777216".to_owned()),
            Just("1e-45".to_owned()),
            Just("-1".to_owned()),
            Just("null".to_owned()),
        ],
    ) {
        let bytes = whole(int8);
        let header = std::str::from_utf8(header(bytes)).unwrap();
        // Every run of digits is a candidate.
        let digit = |i: usize| header.as_bytes()[i].is_ascii_digit();
        let starts: Vec<usize> = (1..header.len()).filter(|&i| digit(i) && !digit(i - 1)).collect();
        let start = starts[place.index(starts.len())];
        let end = start + header[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let changed = format!("{}{number}{}", &header[..start], &header[end..]);
        let rest = &bytes[8 + header.len()..];
        use_if_it_loads(&[&(changed.len() as u64).to_le_bytes(), changed.as_bytes(), rest].concat());
    }
}

/// The bytes of a student with every operation there is, in `f32` or int8.
fn whole(int8: bool) -> &'static [u8] {
    static STUDENTS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let students = STUDENTS.get_or_init(|| {
        let float = student(everything(), Norm::L2, 1);
        let rgb: Vec<u8> = (0..3 * 11 * 13).map(|i| (i * 31 % 256) as u8).collect();
        let faces = [Face::new(&rgb, 11, 13).unwrap()];
        let small = quantise(&float, &faces, QuantiseOptions::default()).unwrap();
        [float.to_bytes().unwrap(), small.to_bytes().unwrap()]
    });
    &students[usize::from(int8)]
}

/// The header of a whole file.
fn header(bytes: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    &bytes[8..8 + length]
}

/// Whatever loads can be run.
fn use_if_it_loads(bytes: &[u8]) {
    if let Ok(recognizer) = Recognizer::from_bytes(bytes) {
        let rgb = [7; 3 * 9 * 9];
        let mut scratch = recognizer.scratch(1);
        let _ = recognizer.embed(&mut scratch, Face::new(&rgb, 9, 9).unwrap());
    }
}

/// Something that befalls a file.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Remove(Index, usize),
    Repeat(Index, usize),
    Move(Index, Index, usize),
    Cut(Index),
}

/// Damages, most of them where the header is: every tenth lies anywhere.
fn damage() -> impl Strategy<Value = Damage> {
    let (place, run) = (any::<Index>, 1..40_usize);
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (place(), run.clone()).prop_map(|(at, run)| Damage::Remove(at, run)),
        2 => (place(), run.clone()).prop_map(|(at, run)| Damage::Repeat(at, run)),
        2 => (place(), place(), run).prop_map(|(at, to, run)| Damage::Move(at, to, run)),
        1 => place().prop_map(Damage::Cut),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.len() < 9 {
            return;
        }
        // Nine in ten lie in the first tenth, where the header is.
        let place = |index: &Index, bytes: &[u8]| {
            let reach = if index.index(10) > 0 { bytes.len().div_ceil(10) } else { bytes.len() };
            index.index(reach)
        };
        let run = |at: usize, run: usize, bytes: &[u8]| at..(at + run).min(bytes.len());
        match self {
            Self::Set(at, byte) => {
                let at = place(at, bytes);
                bytes[at] = *byte;
            }
            Self::Remove(at, length) => drop(bytes.drain(run(place(at, bytes), *length, bytes))),
            Self::Repeat(at, length) => {
                let at = place(at, bytes);
                let again = bytes[run(at, *length, bytes)].to_vec();
                bytes.splice(at..at, again);
            }
            Self::Move(at, to, length) => {
                let range = run(place(at, bytes), *length, bytes);
                let moved: Vec<u8> = bytes.drain(range).collect();
                let to = place(to, bytes).min(bytes.len());
                bytes.splice(to..to, moved);
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}
