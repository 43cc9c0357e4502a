//! The loader: the same batches for any number of threads and from any cursor.

use facette_data::{
    Cursor, DataError, Decode, Loader, LoaderSettings, Preparation, SamplerSettings, TeacherMode,
    TeacherView, TwoViewBatch, Views,
};
use facette_image::View;
use tempfile::{TempDir, tempdir};

use crate::fixture::{folder, open, prepared, refusal, write};

fn view(text: &str) -> View {
    toml::from_str(text).unwrap()
}

fn random_views(mode: TeacherMode) -> Views {
    let student = view(
        "size = 6\njitter = { scale = [0.7, 1.0], flip = 0.5, brightness = 0.1 }\n\
         degrade = [{ kind = 'noise', sigma = [0.0, 0.05] }]",
    );
    Views { student, teacher: Some(TeacherView { view: view("size = 9"), mode }) }
}

fn plain_views() -> Views {
    Views { student: view("size = 6"), teacher: None }
}

struct Bench {
    _root: TempDir,
    prepared: facette_data::Prepared,
}

impl Bench {
    fn new() -> Self {
        let root = tempdir().unwrap();
        let prepared = prepared(open("folder", &folder(root.path(), 5, 4)));
        Self { _root: root, prepared }
    }

    fn loader(&self, views: &Views, threads: usize, sampler: &SamplerSettings) -> Loader {
        let sampler = sampler.build(self.prepared.dataset(), 7).unwrap();
        let settings = LoaderSettings { threads, ahead: 2 };
        Loader::new(self.prepared.clone(), sampler, views.clone(), settings, 7).unwrap()
    }
}

fn all(loader: &Loader, from: Cursor, epochs: u64) -> Vec<TwoViewBatch> {
    loader.batches(from, epochs).collect::<Result<_, _>>().unwrap()
}

#[test]
fn batches_do_not_depend_on_threads_or_on_where_a_run_went_on() {
    let bench = Bench::new();
    for sampler in [
        SamplerSettings::Shuffled { batch: 6 },
        SamplerSettings::Balanced { classes: 3, pictures: 2 },
        SamplerSettings::Sequential { batch: 6 },
    ] {
        for mode in [TeacherMode::Clean, TeacherMode::Mirrored, TeacherMode::Paired] {
            let views = random_views(mode);
            let loader = bench.loader(&views, 1, &sampler);
            let steps = loader.steps();
            let whole = all(&loader, Cursor::default(), 3);
            assert_eq!(whole.len(), 3 * steps);
            for threads in [2, 5, 16] {
                let loader = bench.loader(&views, threads, &sampler);
                assert_eq!(all(&loader, Cursor::default(), 3), whole, "{threads} threads");
                for total in [1, steps - 1, steps, 2 * steps + 1] {
                    let from = Cursor::after(total as u64, steps);
                    assert_eq!(all(&loader, from, 3), whole[total..], "from step {total}");
                }
            }
            assert_eq!(whole[steps + 1].cursor, Cursor { epoch: 1, step: 1 });
        }
    }
}

#[test]
fn a_batch_says_what_it_holds() {
    let bench = Bench::new();
    let loader = bench.loader(&plain_views(), 2, &SamplerSettings::Sequential { batch: 8 });
    let batches = all(&loader, Cursor::default(), 1);
    assert_eq!(batches.iter().map(TwoViewBatch::pictures).collect::<Vec<_>>(), [8, 8, 4]);
    let last = &batches[2];
    assert_eq!(last.indices, [16, 17, 18, 19]);
    assert_eq!(last.labels, [4; 4]);
    assert_eq!(last.student.len(), 4 * 3 * 36);
    assert_eq!((last.teacher.as_ref(), last.features.as_ref()), (None, None));
    let mut expected = vec![0.0; 3 * 36];
    let picture = bench.prepared.picture(17).unwrap();
    view("size = 6").clean(&picture, false, &mut expected).unwrap();
    assert_eq!(last.student[3 * 36..2 * 3 * 36], expected);
    assert_eq!(last.flipped, [false; 4]);
}

/// A paired teacher of the student's own size sees what a student without tone and noise sees.
#[test]
fn a_paired_teacher_sees_the_students_crop_and_mirror() {
    let bench = Bench::new();
    let geometry = "jitter = { scale = [0.6, 1.1], margin = 0.1, aspect = [0.8, 1.2], flip = 0.5";
    let coloured = format!("size = 6\n{geometry}, brightness = 0.2, colour = 0.3 }}");
    let pure = format!("size = 6\n{geometry} }}");
    let sampler = SamplerSettings::Shuffled { batch: 10 };
    let teacher = TeacherView { view: view("size = 6"), mode: TeacherMode::Paired };
    let paired = Views { student: view(&coloured), teacher: Some(teacher) };
    let with_teacher = all(&bench.loader(&paired, 2, &sampler), Cursor::default(), 2);
    let alone = Views { student: view(&pure), teacher: None };
    let without = all(&bench.loader(&alone, 1, &sampler), Cursor::default(), 2);
    for (with_teacher, without) in with_teacher.iter().zip(&without) {
        assert_eq!(with_teacher.teacher.as_ref(), Some(&without.student));
        assert_eq!(with_teacher.flipped, without.flipped);
        assert_ne!(with_teacher.student, without.student);
    }
    let flips: Vec<_> = with_teacher.iter().flat_map(|batch| &batch.flipped).collect();
    assert!(flips.contains(&&true) && flips.contains(&&false));
}

#[test]
fn modes_of_the_teacher() {
    let bench = Bench::new();
    let sampler = SamplerSettings::Sequential { batch: 20 };
    let batch = |mode, text: &str, epoch| {
        let views = Views {
            student: random_views(mode).student,
            teacher: Some(TeacherView { view: view(text), mode }),
        };
        all(&bench.loader(&views, 1, &sampler), Cursor { epoch, step: 0 }, epoch + 1).remove(0)
    };
    let clean = batch(TeacherMode::Clean, "size = 9", 0);
    assert_eq!(clean.teacher, batch(TeacherMode::Clean, "size = 9", 1).teacher);
    assert_ne!(clean.student, batch(TeacherMode::Clean, "size = 9", 1).student);
    let mirrored = batch(TeacherMode::Mirrored, "size = 9", 0);
    let (clean, shown) = (clean.teacher.unwrap(), mirrored.teacher.unwrap());
    for (k, &flipped) in mirrored.flipped.iter().enumerate() {
        let rows = k * 3 * 81..(k + 1) * 3 * 81;
        for (clean, shown) in clean[rows.clone()].chunks(9).zip(shown[rows].chunks(9)) {
            let mut row = clean.to_vec();
            if flipped {
                row.reverse();
            }
            assert_eq!(row, shown);
        }
    }
    let own = "size = 9\njitter = { scale = [0.5, 1.0] }";
    assert_ne!(batch(TeacherMode::Own, own, 0).teacher, batch(TeacherMode::Own, own, 1).teacher);
}

#[test]
fn features_are_handed_over_only_if_every_picture_has_one() {
    let mut bench = Bench::new();
    let sampler = SamplerSettings::Shuffled { batch: 4 };
    let some: Vec<_> = (0..19).collect();
    let values = |count: usize| (0..count * 2).map(|v| v as f32).collect::<Vec<_>>();
    bench.prepared.set_features("test", &some, 2, values(19)).unwrap();
    let batch = all(&bench.loader(&plain_views(), 1, &sampler), Cursor::default(), 1).remove(0);
    assert_eq!(batch.features, None);
    bench.prepared.set_features("test", &[19], 2, vec![38.0, 39.0]).unwrap();
    let batch = all(&bench.loader(&plain_views(), 1, &sampler), Cursor::default(), 1).remove(0);
    let expected: Vec<_> =
        batch.indices.iter().flat_map(|&i| [2.0 * i as f32, 2.0 * i as f32 + 1.0]).collect();
    assert_eq!(batch.features, Some(expected));
}

#[test]
fn a_picture_that_vanishes_during_a_run_is_named() {
    let root = tempdir().unwrap();
    let faces = folder(root.path(), 2, 3);
    let settings = Preparation { decode: Decode::Step, ..Preparation::default() };
    let prepared = open("folder", &faces).prepare(&settings, &mut |_| {}).unwrap();
    write(faces.join("id1/0.png"), b"overwritten");
    let sampler = SamplerSettings::Sequential { batch: 1 }.build(prepared.dataset(), 0).unwrap();
    let settings = LoaderSettings { threads: 3, ahead: 1 };
    let loader = Loader::new(prepared, sampler, plain_views(), settings, 0).unwrap();
    let results: Vec<Result<_, DataError>> = loader.batches(Cursor::default(), 9).collect();
    assert_eq!(results.len(), 4, "three good ones, the error, and nothing more");
    assert!(results[..3].iter().all(Result::is_ok));
    let message = results[3].as_ref().unwrap_err().to_string();
    assert!(message.contains("0.png") && message.contains("not a picture"), "{message}");
}

#[test]
fn an_iterator_that_is_dropped_or_already_at_the_end_leaves_no_thread_waiting() {
    let bench = Bench::new();
    let loader = bench.loader(&plain_views(), 4, &SamplerSettings::Shuffled { batch: 2 });
    let mut batches = loader.batches(Cursor::default(), u64::MAX);
    assert!(batches.next().unwrap().is_ok());
    drop(batches);
    assert_eq!(loader.batches(Cursor { epoch: 3, step: 0 }, 3).count(), 0);
    assert_eq!(loader.batches(Cursor { epoch: 2, step: 99 }, 3).count(), 0);
}

#[test]
fn impossible_settings_are_refused() {
    let bench = Bench::new();
    let build = |views: Views, threads| {
        let sampler = SamplerSettings::default();
        assert!(sampler.build(bench.prepared.dataset(), 0).is_err(), "128 of 20 pictures");
        let sampler = SamplerSettings::Shuffled { batch: 4 };
        let sampler = sampler.build(bench.prepared.dataset(), 0).unwrap();
        let settings = LoaderSettings { threads, ahead: 1 };
        refusal(Loader::new(bench.prepared.clone(), sampler, views, settings, 0))
    };
    assert!(build(plain_views(), 0).contains("`threads`"));
    assert!(build(Views { student: view("size = 0"), teacher: None }, 1).contains("student"));
    let random = view("size = 9\njitter = { flip = 0.5 }");
    let teacher = Some(TeacherView { view: random, mode: TeacherMode::Clean });
    let message = build(Views { teacher, ..plain_views() }, 1);
    assert!(message.contains("`jitter`") && message.contains("own"), "{message}");
}
