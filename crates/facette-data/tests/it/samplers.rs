//! Orders of pictures.

use std::collections::HashSet;

use facette_data::{Balanced, Cursor, Sampler, Sequential, Shuffled};
use proptest::prelude::*;

use crate::fixture::refusal;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_shuffled_epoch_shows_each_picture_at_most_once(
        pictures in 1..200_usize, batch in 1..50_usize, seed in any::<u64>(), epoch in 0..9_u64,
    ) {
        prop_assume!(batch <= pictures);
        let sampler = Shuffled::new(pictures, batch, seed).unwrap();
        let order = sampler.order(epoch);
        prop_assert_eq!(order.len(), sampler.steps() * batch);
        prop_assert!(pictures - order.len() < batch);
        prop_assert_eq!(order.iter().collect::<HashSet<_>>().len(), order.len());
        prop_assert!(order.iter().all(|&i| i < pictures));
        prop_assert_eq!(&order, &Shuffled::new(pictures, batch, seed).unwrap().order(epoch));
    }

    #[test]
    fn a_balanced_batch_has_p_classes_of_k_pictures(
        sizes in prop::collection::vec(0..9_usize, 1..12), p in 1..8_usize, k in 1..6_usize,
        seed in any::<u64>(),
    ) {
        let mut next = 0;
        let members: Vec<Vec<_>> = sizes.iter().map(|&size| {
            next += size;
            (next - size..next).collect()
        }).collect();
        let there = sizes.iter().filter(|&&size| size > 0).count();
        prop_assume!(p <= there && k <= sizes.iter().copied().max().unwrap());
        let class = |picture: usize| members.iter().position(|m| m.contains(&picture)).unwrap();
        let sampler = Balanced::new(members.clone(), p, k, seed).unwrap();
        let order = sampler.order(3);
        prop_assert_eq!(order.len(), sampler.steps() * p * k);
        let mut shown = vec![0; members.len()];
        for batch in order.chunks(p * k) {
            let classes: Vec<_> = batch.chunks(k).map(|chunk| class(chunk[0])).collect();
            prop_assert_eq!(classes.iter().collect::<HashSet<_>>().len(), p);
            for (chunk, &label) in batch.chunks(k).zip(&classes) {
                prop_assert!(chunk.iter().all(|&picture| class(picture) == label));
                let distinct = chunk.iter().collect::<HashSet<_>>().len();
                prop_assert_eq!(distinct, k.min(members[label].len()));
                shown[label] += 1;
            }
        }
        let counts = shown.iter().zip(&sizes).filter(|(_, size)| **size > 0).map(|(shown, _)| *shown);
        let (least, most) = (counts.clone().min().unwrap(), counts.max().unwrap());
        prop_assert!(most - least <= 2, "classes shown {:?}", shown);
    }

    #[test]
    fn a_cursor_counts_steps(total in 0..1_000_000_u64, steps in 1..5000_usize) {
        prop_assert_eq!(Cursor::after(total, steps).total(steps), total);
    }
}

#[test]
fn epochs_and_seeds_differ() {
    let sampler = Shuffled::new(100, 10, 1).unwrap();
    assert_ne!(sampler.order(0), sampler.order(1));
    assert_ne!(sampler.order(0), Shuffled::new(100, 10, 2).unwrap().order(0));
    let members = vec![(0..50).collect::<Vec<_>>(), (50..100).collect()];
    let balanced = Balanced::new(members, 2, 4, 1).unwrap();
    assert_ne!(balanced.order(0), balanced.order(1));
}

#[test]
fn a_sequential_epoch_ends_with_a_short_batch() {
    let sampler = Sequential::new(7, 3).unwrap();
    assert_eq!((sampler.steps(), sampler.order(5)), (3, (0..7).collect()));
}

#[test]
fn impossible_batches_are_refused() {
    assert!(refusal(Shuffled::new(10, 11, 0)).contains("expected 1 to 10"));
    assert!(refusal(Shuffled::new(10, 0, 0)).contains("`batch`"));
    assert!(refusal(Sequential::new(10, 11)).contains("`batch`"));
    let members = vec![vec![0, 1], vec![2], vec![]];
    assert!(refusal(Balanced::new(members.clone(), 3, 1, 0)).contains("`classes`"));
    assert!(refusal(Balanced::new(members, 2, 3, 0)).contains("`pictures`"));
}
