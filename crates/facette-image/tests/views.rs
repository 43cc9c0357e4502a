//! Views as a recipe writes them.

use facette_image::random::stream;
use facette_image::{Channels, ImageError, Picture, View};
use proptest::prelude::*;

fn textured(width: usize, height: usize) -> Picture {
    let value = |i: usize| {
        let (x, y) = ((i / 3 % width) as f64, (i / 3 / width) as f64);
        (127.0 + 90.0 * (x * 0.31 + (i % 3) as f64).sin() * (y * 0.23).cos()) as u8
    };
    Picture::from_rgb(width, height, (0..width * height * 3).map(value).collect()).unwrap()
}

fn clean(view: &View, picture: &Picture, flip: bool) -> Vec<f32> {
    let mut planes = vec![f32::NAN; view.len()];
    view.clean(picture, flip, &mut planes).unwrap();
    planes
}

fn train(view: &View, picture: &Picture, index: u64) -> (Vec<f32>, String) {
    let mut planes = vec![f32::NAN; view.len()];
    let drawn = view.train(picture, &mut stream(11, "view", index), &mut planes).unwrap();
    (planes, drawn.to_string())
}

const EVERYTHING: &str = r#"
    size = [20, 16]
    channels = "bgr"
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    capture = [{ kind = "resize", size = 64, kernel = "bicubic" }]
    degrade = [{ kind = "blur", sigma = [0.2, 1.0], probability = 0.7 }, { kind = "jpeg", quality = [40, 90] }]
    degrade_after = [{ kind = "noise", sigma = [0, 9] }]
    [jitter]
    scale = [0.85, 1.05]
    aspect = [0.95, 1.05]
    margin = 0.05
    spread = 0.7
    rotation = 8
    flip = 0.5
    brightness = 0.1
    contrast = 0.2
    gamma = 0.2
    saturation = 0.4
    colour = 0.1
    grey = 0.1
    erase = { probability = 0.5, side = [0.1, 0.3] }
"#;

#[test]
fn a_view_with_everything_is_deterministic_and_survives_toml() {
    let view: View = toml::from_str(EVERYTHING).unwrap();
    let again: View = toml::from_str(&toml::to_string(&view).unwrap()).unwrap();
    assert_eq!(view, again);
    let picture = textured(112, 112);
    for index in 0..20 {
        let (planes, drawn) = train(&view, &picture, index);
        assert!(planes.iter().all(|v| v.is_finite()));
        assert_eq!((planes, drawn), train(&again, &picture, index));
    }
    assert_ne!(train(&view, &picture, 0).1, train(&view, &picture, 1).1);
}

#[test]
fn nothing_random_means_the_clean_view() {
    let picture = textured(48, 40);
    for channels in [Channels::Rgb, Channels::Bgr, Channels::Grey] {
        let view = View { channels, ..View::square(16) };
        assert_eq!(train(&view, &picture, 3).0, clean(&view, &picture, false));
    }
}

#[test]
fn channels_and_normalisation_are_undone_for_people() {
    let picture = textured(16, 16);
    for text in [
        "size = 16",
        "size = 16\nchannels = \"bgr\"\nmean = [0.4, 0.5, 0.6]\nstd = [0.2, 0.3, 0.4]",
    ] {
        let view: View = toml::from_str(text).unwrap();
        assert_eq!(view.to_picture(&clean(&view, &picture, false)).unwrap(), picture);
        assert_eq!(view.to_picture(&clean(&view, &picture, true)).unwrap(), picture.flipped());
    }
    let grey: View = toml::from_str("size = 16\nchannels = \"grey\"").unwrap();
    let shown = grey.to_picture(&clean(&grey, &picture, false)).unwrap();
    for (a, b) in shown.as_bytes().iter().zip(picture.grey().as_bytes()) {
        assert!(a.abs_diff(*b) <= 1);
    }
}

#[test]
fn the_crop_of_the_cosine_trial_can_be_written() {
    // 48 pixels padded by 3; crops of 45 to 52 that use 0.6 of the room; contrast and brightness
    // of 0.1 on the scale -1..1.
    let view: View = toml::from_str(
        "size = 16\n[jitter]\nscale = [0.9375, 1.08333]\nmargin = 0.0625\nspread = 0.6\n\
         contrast = 0.1\nbrightness = 0.05\nflip = 0.5",
    )
    .unwrap();
    let picture = textured(48, 48);
    let mut planes = vec![0.0; view.len()];
    let mut mirrored = 0;
    for index in 0..300 {
        let drawn = view.train(&picture, &mut stream(2, "trial", index), &mut planes).unwrap();
        let frame = drawn.frame;
        assert!((44.9..52.1).contains(&frame.width));
        assert!((frame.width - frame.height).abs() < 1e-9);
        let room = (54.0 - frame.width) / 2.0;
        assert!((frame.x - 24.0).abs() <= 0.6 * room + 1e-9);
        assert!((drawn.tone.contrast - 1.0).abs() <= 0.1 && drawn.tone.brightness.abs() <= 0.05);
        mirrored += usize::from(drawn.flip);
    }
    assert!((110..190).contains(&mirrored), "{mirrored}");
}

#[test]
fn whole_pixel_crops_are_slices_of_the_padded_picture() {
    let view: View = toml::from_str(
        "size = 32\n[jitter]\nmargin = 0.125\nborder = \"zero\"\nwhole_pixels = true",
    )
    .unwrap();
    let picture = textured(32, 32);
    let padded = picture.padded([4; 4], facette_image::Border::Zero).unwrap();
    let mut planes = vec![0.0; view.len()];
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..60 {
        let drawn = view.train(&picture, &mut stream(2, "cifar", index), &mut planes).unwrap();
        let (x, y) = (drawn.frame.x - 12.0, drawn.frame.y - 12.0);
        let slice = padded.crop(x as usize, y as usize, 32, 32).unwrap();
        assert_eq!(view.to_picture(&planes).unwrap(), slice);
        seen.insert((x as i64, y as i64));
    }
    assert!(seen.len() > 30, "{}", seen.len());
}

#[test]
fn a_turned_crop_of_no_angle_is_the_upright_one() {
    let picture = textured(112, 112);
    let upright: View = toml::from_str("size = 16\n[jitter]\nscale = [0.8, 1.0]").unwrap();
    let mut turned = upright.clone();
    turned.jitter.rotation = 1e-9;
    for index in 0..10 {
        let (a, b) = (train(&upright, &picture, index).0, train(&turned, &picture, index).0);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 2e-3));
    }
}

#[test]
fn impossible_settings_are_named() {
    let cases = [
        ("size = 0", "size"),
        ("size = [16, 5000]", "size"),
        ("std = 0", "std"),
        ("mean = [nan, 0, 0]", "mean"),
        ("channels = \"grey\"\nmean = [0.1, 0.2, 0.3]", "mean"),
        ("[jitter]\nscale = [0.9, 1.2]", "jitter.margin"),
        ("[jitter]\nscale = [1.0, 0.9]", "jitter.scale"),
        ("[jitter]\nflip = 1.5", "jitter.flip"),
        ("kernel = \"bicubic\"\n[jitter]\nrotation = 5", "jitter.rotation"),
        ("capture = [{ kind = \"noise\", sigma = 3 }]", "capture"),
        ("capture = \"adaface\"", "capture"),
    ];
    let picture = textured(8, 8);
    for (text, field) in cases {
        let view: View = toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        match view.clean(&picture, false, &mut []) {
            Err(ImageError::Setting { field: found, .. }) => assert_eq!(found, field, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    for text in ["sise = 16", "[jitter]\nrotate = 3", "kernel = \"cubic\"", "size = \"big\""] {
        assert!(toml::from_str::<View>(text).is_err(), "{text}");
    }
    assert!(matches!(
        View::square(4).clean(&picture, false, &mut [0.0; 3]),
        Err(ImageError::Buffer { expected: 48, found: 3, .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]
    #[test]
    fn a_constant_picture_gives_constant_planes(
        (width, height) in (1usize..70, 1usize..70),
        side in 1usize..40,
        rotation in prop_oneof![Just(0.0), 0.0f64..45.0],
        colour in any::<[u8; 3]>(),
        seed in any::<u64>(),
    ) {
        let mut view = View::square(side);
        view.jitter.scale = facette_image::degrade::Range::new(0.5, 1.4);
        view.jitter.margin = 0.3;
        view.jitter.rotation = rotation;
        let picture = Picture::filled(width, height, colour).unwrap();
        let mut planes = vec![0.0; view.len()];
        view.train(&picture, &mut stream(seed, "test", 0), &mut planes).unwrap();
        for (plane, level) in planes.chunks(side * side).zip(colour) {
            let expected = f32::from(level) / 127.5 - 1.0;
            prop_assert!(plane.iter().all(|v| (v - expected).abs() < 1e-3));
        }
    }
}
