//! Bad files are refused by name; whatever loads can be run.

use facette_graph::{Builder, Conv, Input, Norm};
use facette_runtime::{Face, Recognizer};
use proptest::prelude::*;

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
        places in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
        header in any::<bool>(),
    ) {
        let mut bytes = student(everything(), Norm::L2, 1).to_bytes().unwrap();
        let end = if header { 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize } else { bytes.len() };
        for (place, byte) in places {
            let at = place.index(end);
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(recognizer) = Recognizer::from_bytes(&bytes) {
            let rgb = [7; 3 * 9 * 9];
            let mut scratch = recognizer.scratch(1);
            let _ = recognizer.embed(&mut scratch, Face::new(&rgb, 9, 9).unwrap());
        }
    }

    #[test]
    fn changed_numbers_in_the_graph_do_no_harm(
        place in any::<proptest::sample::Index>(),
        number in prop_oneof![0_u64..40, any::<u64>(), Just(1 << 14), Just(1 << 24)],
    ) {
        let bytes = student(everything(), Norm::L2, 1).to_bytes().unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
        // Every run of digits is a candidate.
        let starts: Vec<usize> = (1..length)
            .filter(|&i| header.as_bytes()[i].is_ascii_digit() && !header.as_bytes()[i - 1].is_ascii_digit())
            .collect();
        let start = starts[place.index(starts.len())];
        let end = start + header[start..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let changed = format!("{}{number}{}", &header[..start], &header[end..]);
        let changed =
            [&(changed.len() as u64).to_le_bytes(), changed.as_bytes(), &bytes[8 + length..]].concat();
        if let Ok(recognizer) = Recognizer::from_bytes(&changed) {
            let rgb = [7; 3 * 9 * 9];
            let mut scratch = recognizer.scratch(1);
            let _ = recognizer.embed(&mut scratch, Face::new(&rgb, 9, 9).unwrap());
        }
    }
}
