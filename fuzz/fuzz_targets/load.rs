//! Any bytes are either refused or a student that can be run.
//!
//! The first byte says whether the rest is a file as it is, or changes to a small student's file:
//! four bytes each, a place and what is written there.
#![no_main]

use facette_fuzz::{is_small, students};
use facette_runtime::{Face, Recognizer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, rest)) = data.split_first() else { return };
    let changed;
    let bytes = match students().get(usize::from(kind)) {
        None => rest,
        Some(file) => {
            let mut file = file.clone();
            for change in rest.as_chunks::<4>().0 {
                let place = u32::from_le_bytes([change[0], change[1], change[2], 0]) as usize;
                let end = file.len();
                file[place % end] = change[3];
            }
            changed = file;
            &changed
        }
    };
    let Ok(recognizer) = Recognizer::from_bytes(bytes) else { return };
    if is_small(&recognizer) {
        let face = Face::new(&[100; 3 * 35], 5, 7).expect("105 bytes");
        recognizer.embed(&mut recognizer.scratch(1), face).expect("its own scratch");
    }
});
