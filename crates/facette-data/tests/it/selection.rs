//! Parts of a data set.

use std::collections::HashSet;

use facette_data::{Dataset, Domain, SamplerSettings, Selection, Split};
use tempfile::{TempDir, tempdir};

use crate::fixture::{folder, open, png, refusal, write};

/// Identities of 1, 2, ... `count` pictures.
fn stairs(count: usize) -> (TempDir, Dataset) {
    let root = tempdir().unwrap();
    for identity in 0..count {
        for shot in 0..=identity {
            write(root.path().join(format!("id{identity}/{shot:02}.png")), png(shot, 2));
        }
    }
    let dataset = open("folder", root.path());
    (root, dataset)
}

fn names(dataset: &Dataset) -> HashSet<String> {
    (0..dataset.len()).map(|i| dataset.name(i).to_owned()).collect()
}

fn sizes(dataset: &Dataset) -> Vec<usize> {
    dataset.by_class().iter().map(Vec::len).collect()
}

#[test]
fn no_identity_stands_on_both_sides_of_a_split() {
    let (_root, dataset) = stairs(10);
    let split = Split::Share { share: 0.3 };
    let (train, held) = dataset.split(&split, 5).unwrap();
    assert_eq!((train.classes().len(), held.classes().len()), (7, 3));
    assert!(held.classes().iter().all(|class| !train.classes().contains(class)));
    assert_eq!(train.len() + held.len(), dataset.len());
    for part in [&train, &held] {
        for i in 0..part.len() {
            assert!(part.name(i).starts_with(&format!("{}/", part.classes()[part.label(i)])));
        }
    }
    assert_eq!(names(&dataset.split(&split, 5).unwrap().1), names(&held));
    let others: HashSet<_> =
        (0..20).map(|seed| dataset.split(&split, seed).unwrap().1.classes().to_vec()).collect();
    assert!(others.len() > 5, "seeds hold out different identities");
    let listed = Split::Listed { identities: vec!["id3".into(), "id0".into()] };
    assert_eq!(dataset.split(&listed, 0).unwrap().1.classes(), ["id0", "id3"]);
    let all = Split::Listed { identities: dataset.classes().to_vec() };
    assert!(dataset.split(&all, 0).is_err());
    for share in [0.0, 1.0, -1.0, f64::NAN] {
        assert!(refusal(dataset.split(&Split::Share { share }, 0)).contains("share"));
    }
    let parsed: Split = toml::from_str("share = 0.25").unwrap();
    assert_eq!(parsed, Split::Share { share: 0.25 });
}

#[test]
fn a_share_of_the_pictures_of_every_class_is_the_same_whatever_the_seed_of_the_run() {
    let (_root, dataset) = stairs(10);
    let split: Split = toml::from_str("pictures = 0.2").unwrap();
    assert_eq!(split, Split::Pictures { pictures: 0.2, seed: 1 });
    let (train, held) = dataset.split(&split, 1).unwrap();
    assert_eq!((train.classes(), held.classes()), (dataset.classes(), dataset.classes()));
    for ((all, train), held) in sizes(&dataset).iter().zip(sizes(&train)).zip(sizes(&held)) {
        assert_eq!((all - held, all > &1), (train, held > 0));
        assert!(*all == 1 || held == ((*all as f64 * 0.2).round() as usize).max(1));
    }
    assert!(names(&held).iter().all(|name| !names(&train).contains(name)));
    assert_eq!(names(&dataset.held_out(&split, 7).unwrap()), names(&held));
    let other = Split::Pictures { pictures: 0.2, seed: 2 };
    assert_ne!(names(&dataset.held_out(&other, 7).unwrap()), names(&held));
    for share in [0.0, 1.0, f64::NAN] {
        let split = Split::Pictures { pictures: share, seed: 1 };
        assert!(refusal(dataset.split(&split, 0)).contains("pictures of every class"));
    }
}

#[test]
fn a_number_of_large_identities_is_drawn_whatever_the_seed_of_the_run() {
    let (_root, dataset) = stairs(10);
    let split: Split = toml::from_str("drawn = 3\nleast = 5").unwrap();
    assert_eq!(split, Split::Drawn { drawn: 3, least: 5, seed: 1 });
    let (train, held) = dataset.split(&split, 1).unwrap();
    assert_eq!((train.classes().len(), held.classes().len()), (7, 3));
    assert!(sizes(&held).iter().all(|&size| size >= 5));
    assert_eq!(names(&dataset.split(&split, 2).unwrap().1), names(&held));
    let draws: HashSet<_> = (0..20)
        .map(|seed| Split::Drawn { drawn: 3, least: 5, seed })
        .map(|split| dataset.split(&split, 1).unwrap().1.classes().to_vec())
        .collect();
    assert!(draws.len() > 5, "seeds of the split hold out different identities");
    let all = Split::Drawn { drawn: 10, least: 1, seed: 1 };
    assert_eq!(names(&dataset.held_out(&all, 1).unwrap()), names(&dataset));
    assert!(dataset.split(&all, 1).is_err(), "nobody would be left to train on");
    for drawn in [0, 7] {
        let split = Split::Drawn { drawn, least: 5, seed: 1 };
        assert!(refusal(dataset.split(&split, 1)).contains("6 such identities"));
    }
}

#[test]
fn a_smaller_draw_is_part_of_a_larger_one() {
    let (_root, dataset) = stairs(8);
    let few = dataset.at_most_per_identity(2, 1).unwrap();
    let more = dataset.at_most_per_identity(4, 1).unwrap();
    assert_eq!(sizes(&few), [1, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(sizes(&more), [1, 2, 3, 4, 4, 4, 4, 4]);
    assert!(names(&few).is_subset(&names(&more)));
    assert_ne!(names(&few), names(&dataset.at_most_per_identity(2, 2).unwrap()));
    let half = dataset.share_of_each_identity(0.5, 1).unwrap();
    assert_eq!(sizes(&half), [1, 1, 2, 2, 3, 3, 4, 4]);
    assert_eq!(half.classes(), dataset.classes());
}

#[test]
fn a_long_tail_falls_exponentially() {
    let root = tempdir().unwrap();
    let dataset = open("folder", &folder(root.path(), 3, 100));
    assert_eq!(sizes(&dataset.long_tail(100.0, 0).unwrap()), [100, 10, 1]);
    assert_eq!(sizes(&dataset.long_tail(4.0, 0).unwrap()), [100, 50, 25]);
    assert_eq!(dataset.long_tail(1.0, 0).unwrap().len(), 300);
    for ratio in [0.5, f64::NAN, f64::INFINITY] {
        assert!(refusal(dataset.long_tail(ratio, 0)).contains("ratio"));
    }
}

#[test]
fn selections_happen_in_their_order() {
    let (_root, dataset) = stairs(6);
    let text = "except = ['id5']\nmin_per_identity = 3\nmax_per_identity = 4\nfirst = 8";
    let selection: Selection = toml::from_str(text).unwrap();
    let part = selection.apply(dataset.clone(), 3).unwrap();
    assert_eq!(part.classes(), ["id2", "id3", "id4"]);
    assert_eq!(sizes(&part), [3, 4, 1]);
    assert!(toml::from_str::<Selection>("max_per_identiy = 3").is_err());
    assert_eq!(Selection::default().apply(dataset.clone(), 0).unwrap().len(), dataset.len());
    let refused = |selection: Selection| refusal(selection.apply(dataset.clone(), 0));
    let only = vec!["id9".to_owned()];
    assert!(refused(Selection { only, ..Selection::default() }).contains("`id9`"));
    assert!(refused(Selection { first: Some(0), ..Selection::default() }).contains("no picture"));
    let least = Selection { min_per_identity: Some(7), ..Selection::default() };
    assert!(refused(least).contains("the largest has 6"));
    let most = Selection { max_per_identity: Some(0), ..Selection::default() };
    assert!(refused(most).contains("at most 0"));
    assert!(refused(Selection { share: Some(1.5), ..Selection::default() }).contains("share"));
}

#[test]
fn domains_share_the_identities_out_and_have_their_own_cameras() {
    let (_root, dataset) = stairs(10);
    let domains: Vec<Domain> = [
        r#"{ name = "named", identities = ["id2"] }"#,
        r#"{ name = "wild", share = 0.3, pictures = [1, 1], capture = [{ kind = "resize", size = 4 }] }"#,
        r#"{ name = "large", least = 8 }"#,
        r#"{ name = "rest", capture = [{ kind = "noise", sigma = 20 }] }"#,
    ]
    .map(|text| toml::from_str::<toml::Table>(&format!("d = {text}")).unwrap())
    .map(|table| table["d"].clone().try_into().unwrap())
    .into();
    let all = dataset.in_domains(&domains).unwrap();
    assert_eq!(all.domains(), ["named", "wild", "large", "rest"]);
    assert_eq!(all.classes(), dataset.classes());
    let classes = all.classes_of_domains();
    assert_eq!(classes[0], [2]);
    assert_eq!(classes[1].len(), 3);
    assert_eq!(classes.iter().map(Vec::len).sum::<usize>(), 10);
    for i in 0..all.len() {
        let old = dataset.find(all.name(i)).unwrap();
        let (new, before) = (all.picture(i).unwrap(), dataset.picture(old).unwrap());
        match all.domain(i) {
            0 | 2 => {
                assert_eq!(new, before);
                assert_eq!(all.content_digest(i).unwrap(), dataset.content_digest(old).unwrap());
            }
            1 => assert_eq!((new.width(), new.height()), (4, 4)),
            _ => {
                assert_ne!(new, before);
                assert_eq!(new, all.picture(i).unwrap(), "the same every time");
                assert_ne!(all.content_digest(i).unwrap(), dataset.content_digest(old).unwrap());
            }
        }
    }
    let wild = all.places_in(&["wild".into()]).unwrap();
    assert_eq!(wild.len(), 3, "one picture of each");
    assert_ne!(all.outline_digest().unwrap(), dataset.outline_digest().unwrap());
    let sampler = SamplerSettings::Sequential { batch: 2 };
    assert_eq!(sampler.build_within(&all, &["wild".into()], 1).unwrap().order(0), wild);
    assert!(refusal(all.places_in(&["wil".into()])).contains("named, wild"));
    assert!(refusal(dataset.places_in(&["wild".into()])).contains("data.domain"));
    let mixed = SamplerSettings::Domains { batch: 4 }.build_within(&all, &[], 1).unwrap();
    let first: Vec<usize> = mixed.order(0)[..4].iter().map(|&i| all.domain(i)).collect();
    assert_eq!(first, [0, 1, 2, 3]);

    let twice = [domains[0].clone(), domains[0].clone()];
    assert!(refusal(dataset.in_domains(&twice)).contains("domain"));
    let none = [Domain { least: Some(99), ..domains[2].clone() }];
    assert!(refusal(dataset.in_domains(&none)).contains("no identity is left"));
    let both = [Domain { share: Some(0.5), ..domains[2].clone() }];
    assert!(refusal(dataset.in_domains(&both)).contains("one of"));
}
